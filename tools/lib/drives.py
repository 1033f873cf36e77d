"""Disks as QEMU is told of them: the same for Calf and what it is measured with."""


def arguments(images, snapshot=False):
    """QEMU's words for raw IMAGES, the first one vda; with SNAPSHOT what is
    written is thrown away at the end."""
    if not images:
        return []
    # Without this QEMU shows the interface from before virtio 1.0.
    words = ["-global", "virtio-mmio.force-legacy=false"]
    for i, image in enumerate(images):
        more = ",snapshot=on" if snapshot else ""
        words += ["-drive", f"file={image},if=none,format=raw,id=disk{i}{more}",
                  "-device", f"virtio-blk-device,drive=disk{i},"
                             f"bus=virtio-mmio-bus.{i}"]
    return words
