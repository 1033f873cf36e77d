/*
 * Contents of files.
 *
 * A page is filled while the file keeps its old size and map. Then one handle
 * adds the blocks that are missing, sets the new size and marks the page dirty.
 * So a commit writes the page before the metadata that leads to it. Bytes are
 * copied from user memory without a handle, as the copy may fault and sleep for
 * long.
 *
 * The last page of a file is zero past the file's end, since a mapping shows
 * all of the page. A disk made elsewhere may have other bytes there: these are
 * cleared when the page is read, and on the disk when the file becomes longer.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/uaccess.h"

/* ---- Writing ------------------------------------------------------------- */

/* Part of one page that is being written: all of it has blocks, or none; all of
 * it is within the file's size, or none. So after a failure the file is as it
 * was before. */
struct piece {
    struct ext2_inode *file;
    struct page *page; /* from cache_write_begin */
    uint64_t at;
    size_t length;
    bool mapped; /* has blocks */
    size_t kept; /* bytes that were written */
};

static void mark_dirty(struct ext2_inode *file, struct page *page)
{
    cache_mark_dirty(&file->cache, page);
    ext2_inode_dirtied(file);
}

/* Clear the bytes past the size, up to `end` or the end of their page. */
static int clear_tail(struct ext2_inode *file, uint64_t end)
{
    uint64_t size = atomic_load(&file->inode.size);
    struct page *page;
    int result;

    end = MIN(end, align_up(size, HAL_PAGE_SIZE));
    if (size >= end)
        return 0;
    result = cache_write_begin(&file->cache, size / HAL_PAGE_SIZE, &page);
    if (result)
        return result;
    cache_clear(page, size, end);
    mark_dirty(file, page);
    cache_write_end(page);
    return 0;
}

/* Find out whether the piece has blocks, and end it where that changes. */
static int find_blocks(struct piece *piece)
{
    uint32_t size = ext2_fs(&piece->file->inode)->block_size;
    uint64_t end = piece->at + piece->length, next = piece->at;
    uint64_t file_end = atomic_load(&piece->file->inode.size);
    uint32_t block;

    if (piece->at < file_end)
        end = MIN(end, file_end);
    while (next < end) {
        int result = ext2_map_find(piece->file, next / size, &block);

        if (result)
            return result;
        if (next == piece->at)
            piece->mapped = block != 0;
        else if (piece->mapped != (block != 0))
            break;
        next = align_down(next, size) + size;
    }
    piece->length = MIN(next, end) - piece->at;
    return 0;
}

/* Give the piece blocks, from its start on. piece->kept becomes the length of
 * the part that has them. */
static int make_blocks(struct piece *piece, struct journal_handle *handle)
{
    uint32_t shift = ext2_fs(&piece->file->inode)->block_shift;
    uint64_t end = piece->at + piece->length;
    uint64_t index = piece->at >> shift, start;
    uint32_t block;
    bool made;
    int result = 0;

    while (index << shift < end && !result) {
        result = ext2_map_make(piece->file, handle, index, &block, &made, NULL);
        index += !result;
    }
    start = MIN(MAX(index << shift, piece->at), end);
    piece->kept = start - piece->at;
    return result;
}

static int keep_once(struct piece *piece)
{
    struct ext2_inode *file = piece->file;
    struct ext2 *fs = ext2_fs(&file->inode);
    struct journal_handle handle;
    struct ext2_record *record;
    int result = ext2_begin(fs, EXT2_WRITE_BLOCKS, &handle);

    if (result)
        return result;
    result = ext2_record_change(fs, &handle, file->inode.number, &record);
    if (!result) {
        result = make_blocks(piece, &handle);
        if (piece->kept)
            mark_dirty(file, piece->page);
        if (piece->kept &&
            piece->at + piece->kept > atomic_load(&file->inode.size))
            inode_set_size(&file->inode, piece->at + piece->kept);
        ext2_record_store(file, record);
    }
    ext2_end(fs, &handle);
    return result;
}

/* The page has been filled: make its bytes part of the file. */
static int keep(struct piece *piece)
{
    struct ext2_inode *file = piece->file;
    uint64_t end = piece->at + piece->length;
    int result;

    if (piece->mapped && end <= atomic_load(&file->inode.size)) {
        piece->kept = piece->length;
        mark_dirty(file, piece->page);
        return 0;
    }
    result = keep_once(piece);
    if (result == -ENOSPC && !piece->kept)
        result = ext2_no_room(ext2_fs(&file->inode));
    if (result)
        cache_clear(piece->page, piece->at + piece->kept, end);
    return result;
}

/* Fill and keep a piece. If the user's memory cannot be read, the contents of
 * the piece are unspecified afterwards. */
static int write_piece(struct piece *piece, struct cursor *cursor)
{
    struct ext2_inode *file = piece->file;
    uint64_t size = atomic_load(&file->inode.size);
    int fault, result = find_blocks(piece);

    if (!result)
        result = cache_write_begin(&file->cache, piece->at / HAL_PAGE_SIZE,
                                   &piece->page);
    if (result)
        return result;
    fault = cursor_take(
        cursor, (char *)page_data(piece->page) + piece->at % HAL_PAGE_SIZE,
        piece->length);
    if (fault && piece->at >= size)
        cache_clear(piece->page, piece->at, piece->at + piece->length);
    else
        result = keep(piece);
    cache_write_end(piece->page);
    if (fault) {
        piece->kept = 0;
        return fault;
    }
    cursor->address -= piece->length - piece->kept;
    cursor->left += piece->length - piece->kept;
    return result;
}

/* Before contents or size change: do a step of freeing, and finish a
 * truncation. 0, -EROFS, -ERESTART, or another error. */
static int prepare(struct ext2_inode *file)
{
    struct ext2 *fs = ext2_fs(&file->inode);

    if (ext2_is_read_only(fs))
        return -EROFS;
    ext2_orphans_free_some(fs);
    return ext2_truncate_finish(file);
}

static ssize_t write(struct inode *inode, struct cursor *cursor,
                     uint64_t offset)
{
    struct ext2_inode *file = ext2_of(inode);
    uint64_t limit = ext2_fs(inode)->size_limit, at = offset;
    int result = prepare(file);

    if (!result && cursor->left && offset >= limit)
        result = -EFBIG;
    if (!result && cursor->left && offset > atomic_load(&inode->size))
        result = clear_tail(file, offset);
    while (cursor->left && !result) {
        size_t room = HAL_PAGE_SIZE - at % HAL_PAGE_SIZE;
        struct piece piece = {.file = file, .at = at};

        if (at >= limit) {
            result = -EFBIG;
            break;
        }
        room = MIN(room, (size_t)(limit - at));
        piece.length = MIN(room, cursor->left);
        result = write_piece(&piece, cursor);
        at += piece.kept;
    }
    return at > offset ? (ssize_t)(at - offset) : result;
}

/* ---- Truncation ---------------------------------------------------------- */

static int grow(struct ext2_inode *file, uint64_t size)
{
    struct ext2 *fs = ext2_fs(&file->inode);
    struct journal_handle handle;
    struct ext2_record *record;
    int result = clear_tail(file, size);

    if (!result)
        result = ext2_begin(fs, 1, &handle);
    if (result)
        return result;
    result = ext2_record_change(fs, &handle, file->inode.number, &record);
    if (!result) {
        inode_set_size(&file->inode, size);
        inode_modified(&file->inode);
        ext2_record_store(file, record);
    }
    ext2_end(fs, &handle);
    return result;
}

/* The first handle of a truncation: it sets the size. `last` is the page in
 * whose middle the file then ends, or NULL. */
static int shrink_step(struct ext2_inode *file, uint64_t size,
                       struct page *last, struct journal_handle *handle)
{
    struct ext2 *fs = ext2_fs(&file->inode);
    struct ext2_record *record;
    struct ext2_super *super;
    int result = ext2_record_change(fs, handle, file->inode.number, &record);

    if (!result)
        result = ext2_super_change(fs, handle, &super);
    if (result)
        return result;
    inode_set_size(&file->inode, size);
    inode_modified(&file->inode);
    cache_drop(&file->cache, cache_pages_of(size), true);
    if (last) {
        cache_clear(last, size, align_up(size, HAL_PAGE_SIZE));
        mark_dirty(file, last);
    }
    result = ext2_truncate_blocks(
        file, handle, align_up(size, fs->block_size) / fs->block_size);
    if (result) {
        file->truncate_pending = true;
        ext2_orphan_add(file, super, record);
    }
    ext2_record_store(file, record);
    return result;
}

static int shrink(struct ext2_inode *file, uint64_t size)
{
    struct ext2 *fs = ext2_fs(&file->inode);
    struct journal_handle handle;
    struct page *last = NULL;
    int result = 0;

    if (size % HAL_PAGE_SIZE)
        result = cache_write_begin(&file->cache, size / HAL_PAGE_SIZE, &last);
    if (result)
        return result;
    result = ext2_begin(fs, EXT2_TRUNCATE_BLOCKS, &handle);
    if (!result) {
        result = shrink_step(file, size, last, &handle);
        ext2_end(fs, &handle);
    }
    if (last)
        cache_write_end(last);
    if (file->truncate_pending)
        result = ext2_truncate_finish(file);
    /* The size is set. The blocks can be freed when there is memory again. */
    return file->truncate_pending && result == -ENOMEM ? 0 : result;
}

static int truncate(struct inode *inode, uint64_t size)
{
    struct ext2_inode *file = ext2_of(inode);
    uint64_t old = atomic_load(&inode->size);
    int result;

    result = size == old && !file->truncate_pending ? 0 : prepare(file);
    if (!result && size == old && !ext2_is_read_only(ext2_fs(inode)))
        ext2_inode_dirtied(file);
    if (result || size == old)
        return result;
    if (size > ext2_fs(inode)->size_limit)
        return -EFBIG;
    return size > old ? grow(file, size) : shrink(file, size);
}

void ext2_file_init(struct ext2_inode *inode, struct name label)
{
    struct ext2 *fs = ext2_fs(&inode->inode);

    cache_init(&inode->cache, &ext2_file_cache_ops, fs->device, fs->block_size,
               0);
    if (inode->mode == EXT2_MODE_FILE)
        inode_set_cache(&inode->inode, &inode->cache, label);
}

const struct inode_ops ext2_file_ops = {
    .read = inode_read,
    .write = write,
    .truncate = truncate,
    .setattr = ext2_setattr,
    .release = ext2_release,
};
