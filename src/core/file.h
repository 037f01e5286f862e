/*
 * The one module that opens and writes files. A file that is being written has a temporary name in the target folder
 * and gets its own name only when it is complete and on disk: write, fsync, rename, fsync of the folder.
 */
#ifndef SEI_CORE_FILE_H
#define SEI_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seitomo/status.h"

typedef struct sei_infile {
    int fd; /* -1: closed */
    int64_t size;
    char *path;
} sei_infile;

/* Opens a regular file for reading. SEI_ERR_INPUT: absent, a folder, not a regular file; SEI_ERR_ENVIRONMENT: permission. */
sei_status sei_infile_open(const char *path, sei_infile *out) SEI_MUST_CHECK;
/* Reads exactly `bytes` at `offset`; SEI_ERR_INPUT says how many bytes there are against how many were expected. */
sei_status sei_infile_read(const sei_infile *file, int64_t offset, void *to, size_t bytes) SEI_MUST_CHECK;
/* Reads up to `bytes`; *got < bytes only at the end of the file. */
sei_status sei_infile_read_some(const sei_infile *file, int64_t offset, void *to, size_t bytes, size_t *got) SEI_MUST_CHECK;
/* The whole file as a NUL-terminated text (*length without the NUL). SEI_ERR_INPUT when longer than max_bytes. sei_free it. */
sei_status sei_file_read_text(const char *path, size_t max_bytes, char **text, size_t *length) SEI_MUST_CHECK;
void sei_infile_close(sei_infile *file); /* closed already: nothing */

typedef struct sei_outfile {
    int fd;          /* -1: not open */
    char *path;      /* the final name */
    char *temporary; /* where the bytes go meanwhile; libraries that open by name write here */
} sei_outfile;

/*
 * Begins a file. Without `overwrite` an existing path is refused (SEI_ERR_ENVIRONMENT, says --force). Links, folders and
 * devices in the way are refused always. Missing folder or permission: SEI_ERR_ENVIRONMENT.
 */
sei_status sei_outfile_open(const char *path, bool overwrite, sei_outfile *out) SEI_MUST_CHECK;
sei_status sei_outfile_write(sei_outfile *file, const void *bytes, size_t count) SEI_MUST_CHECK;
/* Makes the file complete under its name, or fails and leaves nothing. Closes in both cases. */
sei_status sei_outfile_commit(sei_outfile *file) SEI_MUST_CHECK;
/* Removes a regular file if there is one; links, folders and devices stay. */
void sei_file_remove(const char *path);
void sei_outfile_abort(sei_outfile *file); /* removes the temporary; closed already: nothing */

/* A whole small file in one call. */
sei_status sei_file_write_text(const char *path, bool overwrite, const char *text, size_t length) SEI_MUST_CHECK;
/* Whether a write to `path` could succeed as far as can be seen before computing (R13): folder there and writable, no
 * file in the way unless overwrite. */
sei_status sei_file_check_target(const char *path, bool overwrite) SEI_MUST_CHECK;

bool sei_file_exists(const char *path);
bool sei_folder_exists(const char *path);
/* Makes a folder and its parents. */
sei_status sei_folder_make(const char *path) SEI_MUST_CHECK;
/* Makes root/relative with its parents; `root` must be there. A link or file among them is refused (SEI_ERR_ENVIRONMENT),
 * so that nothing is written outside root. */
sei_status sei_folder_make_below(const char *root, const char *relative) SEI_MUST_CHECK;
/* Takes the folder away if nothing is in it; no error otherwise, and none is replaced. */
void sei_folder_remove_empty(const char *path);
/* Takes the folder for this process: SEI_ERR_ENVIRONMENT at once when another process has it. *lock goes to unlock. The
 * lock ends with the process, however it ends. */
sei_status sei_folder_lock(const char *path, int *lock) SEI_MUST_CHECK;
void sei_folder_unlock(int lock); /* < 0: nothing */
/* Names of the regular files in a folder that end in `ending`, sorted; an absent folder has none. */
sei_status sei_folder_list(const char *path, const char *ending, char ***names, size_t *count) SEI_MUST_CHECK;
void sei_folder_list_free(char **names, size_t count);
/* Whether two paths lead to one file, or would when it is written. */
bool sei_path_same(const char *a, const char *b);
/* Whether anything (file, link, folder, device) has this path. */
bool sei_path_in_the_way(const char *path);
/* Removes temporaries that a killed process left in the folder; only for the holder of its lock. */
void sei_folder_sweep(const char *path);
/* SEI_ERR_ENVIRONMENT when the disk of the folder (or of where it will be made) has less than `bytes` free for this user. */
sei_status sei_folder_check_space(const char *path, double bytes) SEI_MUST_CHECK;
/* "folder/name" as a new string; an absolute `name` stands alone. sei_free it. */
sei_status sei_path_join(const char *folder, const char *name, char **out) SEI_MUST_CHECK;
/* The part after the last '/'; points into path. */
const char *sei_path_base(const char *path);
/* Whether path ends with .extension, ASCII case ignored. */
bool sei_path_has_extension(const char *path, const char *extension);
/* Name of path without folder and without its last extension, cut to `size`. */
void sei_path_stem(const char *path, char *stem, size_t size);

#endif
