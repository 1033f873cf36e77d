/*
 * The tests' disk. See disk.h.
 */
/* sources: tests/host/mm/hal.c kernel/dev/block.c */
#include "host/disk/disk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/errno.h"
#include "host/mm/hal.h"

static _Noreturn void fail(const char *what, const char *name)
{
    mm_fail("disk: %s: %s", name, what);
}

uint64_t disk_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- The history --------------------------------------------------------- */

static struct disk_event *add_event(struct disk *disk,
                                    enum disk_event_kind kind)
{
    if (disk->event_count == disk->event_room) {
        disk->event_room = disk->event_room ? disk->event_room * 2 : 256;
        disk->events =
            realloc(disk->events, disk->event_room * sizeof(*disk->events));
    }
    struct disk_event *event = &disk->events[disk->event_count++];
    *event = (struct disk_event){.kind = kind};
    return event;
}

static void forget(struct disk *disk)
{
    for (size_t i = 0; i < disk->event_count; i++)
        free(disk->events[i].data);
    free(disk->events);
    free(disk->before);
    disk->events = NULL;
    disk->before = NULL;
    disk->event_count = disk->event_room = 0;
}

void disk_record(struct disk *disk)
{
    forget(disk);
    disk->before = malloc(disk->size);
    memcpy(disk->before, disk->bytes, disk->size);
}

void disk_mark(struct disk *disk, uint64_t value)
{
    pthread_mutex_lock(&disk->mutex);
    if (disk->before)
        add_event(disk, DISK_MARK)->sector = value;
    pthread_mutex_unlock(&disk->mutex);
}

static struct disk *disk_raw(uint64_t size);

/* A sector is written whole or not at all, as drives promise. */
static void write_some(struct disk *disk, const struct disk_event *event,
                       uint64_t *random)
{
    enum { ALL, NONE, PART } fate = *random ? disk_random(random) % 3 : ALL;
    for (uint32_t i = 0; i < event->sectors; i++) {
        if (fate == NONE || (fate == PART && disk_random(random) & 64))
            continue;
        memcpy(disk->bytes + (event->sector + i) * BLOCK_SECTOR,
               event->data + (size_t)i * BLOCK_SECTOR, BLOCK_SECTOR);
    }
}

struct disk *disk_after_cut(const struct disk *disk, size_t count,
                            uint64_t seed)
{
    struct disk *cut = disk_raw(disk->size);
    size_t safe = 0;
    uint64_t all = 0;
    memcpy(cut->bytes, disk->before, disk->size);
    for (size_t i = 0; i < count; i++)
        if (disk->events[i].kind == DISK_FLUSH)
            safe = i;
    for (size_t i = 0; i < count; i++)
        if (disk->events[i].kind == DISK_WRITE)
            write_some(cut, &disk->events[i], i < safe ? &all : &seed);
    return cut;
}

/* ---- Requests ------------------------------------------------------------ */

static bool counts_down(unsigned *left)
{
    return *left && --*left == 0;
}

static bool must_fail(struct disk *disk, const struct block_request *request,
                      uint64_t sectors)
{
    switch (request->command) {
    case BLOCK_READ:
        return counts_down(&disk->fail_read) ||
               (request->sector < disk->bad_to &&
                request->sector + sectors > disk->bad_from);
    case BLOCK_WRITE:
        return counts_down(&disk->fail_write);
    default:
        return counts_down(&disk->fail_flush);
    }
}

static uint64_t length_of(const struct block_request *request)
{
    uint64_t length = 0;
    if (request->count > BLOCK_SEGMENTS)
        mm_fail("disk: %u segments", request->count);
    for (unsigned i = 0; i < request->count; i++) {
        const struct block_segment *at = &request->segments[i];
        if (at->offset % BLOCK_SECTOR || at->length % BLOCK_SECTOR ||
            at->offset + at->length > HAL_PAGE_SIZE)
            mm_fail("disk: bad segment %u+%u", at->offset, at->length);
        length += at->length;
    }
    return length;
}

static void move(struct disk *disk, struct block_request *request,
                 uint8_t *place, bool reads)
{
    for (unsigned i = 0; i < request->count; i++) {
        const struct block_segment *at = &request->segments[i];
        uint8_t *memory = (uint8_t *)page_data(at->page) + at->offset;
        memcpy(reads ? memory : place, reads ? place : memory, at->length);
        place += at->length;
    }
    *(reads ? &disk->sectors_read : &disk->sectors_written) +=
        length_of(request) / BLOCK_SECTOR;
}

static void write_request(struct disk *disk, struct block_request *request,
                          uint64_t length)
{
    uint8_t *place = disk->bytes + request->sector * BLOCK_SECTOR;
    move(disk, request, place, false);
    if (!disk->before)
        return;
    struct disk_event *event = add_event(disk, DISK_WRITE);
    event->sector = request->sector;
    event->sectors = length / BLOCK_SECTOR;
    event->data = malloc(length);
    memcpy(event->data, place, length);
}

/* The mutex is held. */
static int carry_out(struct disk *disk, struct block_request *request)
{
    uint64_t length = length_of(request);
    if (request->sector * BLOCK_SECTOR + length > disk->size)
        mm_fail("disk: a request beyond the end: %llu",
                (unsigned long long)request->sector);
    disk->reads += request->command == BLOCK_READ;
    disk->writes += request->command == BLOCK_WRITE;
    disk->flushes += request->command == BLOCK_FLUSH;
    if (disk->dead || must_fail(disk, request, length / BLOCK_SECTOR))
        return -EIO;
    if (request->command == BLOCK_READ)
        move(disk, request, disk->bytes + request->sector * BLOCK_SECTOR, true);
    else if (request->command == BLOCK_WRITE)
        write_request(disk, request, length);
    else if (disk->before)
        add_event(disk, DISK_FLUSH);
    return 0;
}

static void submit(struct block_device *device, struct block_request *request)
{
    struct disk *disk = (struct disk *)device;
    lockrank_assert_may_sleep();
    pthread_mutex_lock(&disk->mutex);
    if (disk->served) {
        list_push_back(&disk->waiting, &request->link);
        pthread_cond_signal(&disk->changed);
        pthread_mutex_unlock(&disk->mutex);
        return;
    }
    request->result = carry_out(disk, request);
    pthread_mutex_unlock(&disk->mutex);
    request->done(request);
}

static const struct block_ops disk_ops = {.submit = submit};

/* ---- The server ---------------------------------------------------------- */

static struct block_request *take_any(struct disk *disk)
{
    unsigned count = 0, wanted;
    struct list *at;
    for (at = disk->waiting.next; at != &disk->waiting; at = at->next)
        count++;
    wanted = disk_random(&disk->random) % count;
    for (at = disk->waiting.next; wanted; at = at->next)
        wanted--;
    list_remove(at);
    return list_entry(at, struct block_request, link);
}

static void *serve(void *argument)
{
    struct disk *disk = argument;
    mm_on_hart(MM_HARTS - 1);
    pthread_mutex_lock(&disk->mutex);
    for (;;) {
        while (list_is_empty(&disk->waiting) && !disk->stop)
            pthread_cond_wait(&disk->changed, &disk->mutex);
        if (list_is_empty(&disk->waiting))
            break;
        if (disk_random(&disk->random) % 4 == 0) {
            pthread_mutex_unlock(&disk->mutex);
            usleep(disk_random(&disk->random) % 50);
            pthread_mutex_lock(&disk->mutex);
        }
        struct block_request *request = take_any(disk);
        request->result = carry_out(disk, request);
        pthread_mutex_unlock(&disk->mutex);
        request->done(request);
        pthread_mutex_lock(&disk->mutex);
    }
    pthread_mutex_unlock(&disk->mutex);
    return NULL;
}

void disk_serve(struct disk *disk, uint64_t seed)
{
    disk->random = seed | 1;
    disk->stop = false;
    disk->served = true;
    if (pthread_create(&disk->server, NULL, serve, disk))
        fail("no thread", "server");
}

void disk_unserve(struct disk *disk)
{
    pthread_mutex_lock(&disk->mutex);
    disk->stop = true;
    disk->served = false;
    pthread_cond_signal(&disk->changed);
    pthread_mutex_unlock(&disk->mutex);
    pthread_join(disk->server, NULL);
}

/* ---- Images -------------------------------------------------------------- */

/* Fresh memory is slow, and a test may go through thousands of disks. */
static uint8_t *kept;
static uint64_t kept_size;

static uint8_t *bytes_new(uint64_t size)
{
    uint8_t *bytes = kept_size == size ? kept : malloc(size);
    if (bytes == kept)
        kept = NULL, kept_size = 0;
    return bytes;
}

static void bytes_free(uint8_t *bytes, uint64_t size)
{
    free(kept);
    kept = bytes;
    kept_size = size;
}

/* With any contents. */
static struct disk *disk_raw(uint64_t size)
{
    struct disk *disk = calloc(1, sizeof(*disk));
    disk->bytes = bytes_new(size);
    disk->size = size;
    disk->device = (struct block_device){.name = "vda",
                                         .ops = &disk_ops,
                                         .sectors = size / BLOCK_SECTOR,
                                         .has_flush = true};
    list_init(&disk->waiting);
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_cond_init(&disk->changed, NULL);
    return disk;
}

struct disk *disk_new(uint64_t size)
{
    struct disk *disk = disk_raw(size);
    memset(disk->bytes, 0, size);
    return disk;
}

void disk_free(struct disk *disk)
{
    if (disk->served)
        disk_unserve(disk);
    forget(disk);
    bytes_free(disk->bytes, disk->size);
    free(disk);
}

static void read_file(struct disk *disk, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fread(disk->bytes, 1, disk->size, file) != disk->size)
        fail("cannot be read", path);
    fclose(file);
}

struct disk *disk_load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        fail("cannot be read", path);
    struct disk *disk = disk_new((uint64_t)ftell(file));
    fclose(file);
    read_file(disk, path);
    return disk;
}

void disk_save(const struct disk *disk, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(disk->bytes, 1, disk->size, file) != disk->size ||
        fclose(file))
        fail("cannot be written", path);
}

/* A name for a file in memory if the machine has such a place. */
static void temporary(char *path, size_t size)
{
    snprintf(path, size, "%s/calf-disk-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    int fd = mkstemp(path);
    if (fd < 0)
        fail("cannot be made", path);
    close(fd);
}

/* `command` with every % replaced by `path`. */
static void fill_in(char *out, size_t room, const char *command,
                    const char *path)
{
    size_t at = 0;
    for (; *command; command++) {
        size_t length = *command == '%' ? strlen(path) : 1;
        if (at + length >= room)
            fail("command too long", path);
        memcpy(out + at, *command == '%' ? path : command, length);
        at += length;
    }
    out[at] = 0;
}

static int run(const char *command, const char *path, char *output, size_t room)
{
    char line[1024], rest[256];
    size_t length = 0;
    snprintf(line, sizeof line, "PATH=$PATH:/usr/sbin:/sbin; export PATH; ");
    fill_in(line + strlen(line), sizeof line - strlen(line), command, path);
    fflush(NULL);
    FILE *pipe = popen(line, "r");
    if (!pipe)
        fail("cannot be run", command);
    if (output)
        length = fread(output, 1, room - 1, pipe);
    while (fread(rest, 1, sizeof rest, pipe) > 0)
        ;
    if (output)
        output[length] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int disk_tool(struct disk *disk, const char *command, char *output, size_t room)
{
    char path[64];
    temporary(path, sizeof path);
    disk_save(disk, path);
    int status = run(command, path, output, room);
    read_file(disk, path);
    unlink(path);
    return status;
}

int disk_ask(const struct disk *disk, const char *command, char *output,
             size_t room)
{
    char path[64];
    temporary(path, sizeof path);
    disk_save(disk, path);
    int status = run(command, path, output, room);
    unlink(path);
    return status;
}

struct disk *disk_format(const char *options, uint64_t size)
{
    char command[256];
    struct disk *disk = disk_new(size);
    snprintf(command, sizeof command, "mke2fs -q -F %s %% 2>&1", options);
    char output[512];
    if (disk_tool(disk, command, output, sizeof output))
        fail(output, "mke2fs");
    return disk;
}

bool disk_is_clean(const struct disk *disk)
{
    char output[2048];
    int status = disk_ask(disk, "e2fsck -fn % 2>&1", output, sizeof output);
    if (status)
        fprintf(stderr, "e2fsck -fn: status %d\n%s\n", status, output);
    return status == 0;
}
