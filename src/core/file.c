#include "core/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/alloc.h"

sei_status sei_infile_open(const char *path, sei_infile *out) {
    sei_status status = SEI_OK;
    char *copy = NULL;
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a FIFO must not hang us */
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return sei_fail(SEI_ERR_INPUT, "%s: no such file; check the path", path);
        if (errno == EACCES || errno == EPERM)
            return sei_fail(SEI_ERR_ENVIRONMENT, "%s: no permission to read it; check its mode and owner", path);
        return sei_fail(SEI_ERR_ENVIRONMENT, "%s: cannot be opened: %s", path, strerror(errno));
    }
    if (fstat(fd, &info) != 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = sei_fail(SEI_ERR_INPUT, "%s: %s, not a file", path, S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
        goto done;
    }
    SEI_TRY(sei_strdup(path, &copy));
    *out = (sei_infile){.fd = fd, .size = (int64_t)info.st_size, .path = copy};
    return SEI_OK;
done:
    close(fd);
    return status;
}

sei_status sei_infile_read_some(const sei_infile *file, int64_t offset, void *to, size_t bytes, size_t *got) {
    size_t total = 0;
    while (total < bytes) {
        const ssize_t n = pread(file->fd, (char *)to + total, bytes - total, (off_t)(offset + (int64_t)total));
        if (n < 0) {
            if (errno == EINTR) continue;
            return sei_fail(SEI_ERR_ENVIRONMENT, "%s: reading failed at byte %lld: %s", file->path,
                            (long long)(offset + (int64_t)total), strerror(errno));
        }
        if (n == 0) break;
        total += (size_t)n;
    }
    *got = total;
    return SEI_OK;
}

sei_status sei_infile_read(const sei_infile *file, int64_t offset, void *to, size_t bytes) {
    size_t got = 0;
    const sei_status status = sei_infile_read_some(file, offset, to, bytes, &got);
    if (status != SEI_OK) return status;
    if (got < bytes) {
        return sei_fail(SEI_ERR_INPUT, "%s: truncated: %lld bytes expected, %lld found; copy the file again", file->path,
                        (long long)(offset + (int64_t)bytes), (long long)file->size);
    }
    return SEI_OK;
}

void sei_infile_close(sei_infile *file) {
    if (file->path != NULL && file->fd >= 0) close(file->fd);
    sei_free(file->path);
    *file = (sei_infile){.fd = -1};
}

sei_status sei_file_read_text(const char *path, size_t max_bytes, char **text, size_t *length) {
    sei_infile file = {.fd = -1};
    void *buffer = NULL;
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    if (file.size > (int64_t)max_bytes) {
        status = sei_fail(SEI_ERR_INPUT, "%s: %lld bytes, more than the %zu allowed for such a file", path, (long long)file.size,
                          max_bytes);
        goto done;
    }
    SEI_TRY(sei_alloc((size_t)file.size + 1, &buffer));
    SEI_TRY(sei_infile_read(&file, 0, buffer, (size_t)file.size));
    ((char *)buffer)[file.size] = 0;
    *text = buffer;
    if (length != NULL) *length = (size_t)file.size;
    buffer = NULL;
done:
    sei_free(buffer);
    sei_infile_close(&file);
    return status;
}

/* What stands in the way of writing `path`, if anything. */
static sei_status check_existing(const char *path, bool overwrite) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        if (errno == ENOENT) return SEI_OK;
        return sei_fail(SEI_ERR_ENVIRONMENT, "%s: cannot be written: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return sei_fail(SEI_ERR_ENVIRONMENT, "%s: %s is in the way; remove it or choose another name", path,
                        S_ISDIR(info.st_mode)   ? "a folder"
                        : S_ISLNK(info.st_mode) ? "a symbolic link"
                                                : "a device or pipe");
    }
    if (!overwrite) return sei_fail(SEI_ERR_ENVIRONMENT, "%s: exists already; use --force to overwrite it", path);
    return SEI_OK;
}

/* The folder part of path as a new string ("." when there is none). */
static sei_status folder_of(const char *path, char **out) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return sei_strdup(".", out);
    if (slash == path) return sei_strdup("/", out);
    const sei_status status = sei_strdup(path, out);
    if (status == SEI_OK) (*out)[slash - path] = 0;
    return status;
}

sei_status sei_file_check_target(const char *path, bool overwrite) {
    char *folder = NULL;
    sei_status status = check_existing(path, overwrite);
    if (status != SEI_OK) return status;
    SEI_TRY(folder_of(path, &folder));
    if (!sei_folder_exists(folder)) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: its folder does not exist; make it first", path);
    } else if (access(folder, W_OK | X_OK) != 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: its folder cannot be written: %s", path, strerror(errno));
    }
done:
    sei_free(folder);
    return status;
}

sei_status sei_outfile_open(const char *path, bool overwrite, sei_outfile *out) {
    sei_outfile file = {.fd = -1};
    char *folder = NULL;
    void *name = NULL;
    sei_status status = sei_file_check_target(path, overwrite);
    if (status != SEI_OK) return status;
    SEI_TRY(folder_of(path, &folder));
    SEI_TRY(sei_strdup(path, &file.path));
    const size_t bytes = strlen(folder) + 64;
    SEI_TRY(sei_alloc(bytes, &name));
    for (unsigned attempt = 0; file.fd < 0; ++attempt) {
        /* short and independent of the name, so that a 255-byte name still has a temporary */
        snprintf(name, bytes, "%s/.seitomo-%ld-%u.part", folder, (long)getpid(), attempt);
        file.fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (file.fd < 0 && errno != EEXIST) {
            status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: cannot be written: %s", path, strerror(errno));
            goto done;
        }
    }
    file.temporary = name;
    name = NULL;
    *out = file;
    file = (sei_outfile){.fd = -1};
done:
    sei_free(folder);
    sei_free(name);
    sei_free(file.path);
    return status;
}

sei_status sei_outfile_write(sei_outfile *file, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        const ssize_t n = write(file->fd, from, count);
        if (n < 0) {
            if (errno == EINTR) continue;
            return sei_fail(SEI_ERR_ENVIRONMENT, "%s: writing failed with %zu bytes to go: %s", file->path, count,
                            strerror(errno));
        }
        from += n;
        count -= (size_t)n;
    }
    return SEI_OK;
}

void sei_file_remove(const char *path) {
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISREG(info.st_mode)) unlink(path);
}

void sei_outfile_abort(sei_outfile *file) {
    if (file->path == NULL) return;
    if (file->fd >= 0) close(file->fd);
    if (file->temporary != NULL) unlink(file->temporary);
    sei_free(file->path);
    sei_free(file->temporary);
    *file = (sei_outfile){.fd = -1};
}

sei_status sei_outfile_commit(sei_outfile *file) {
    sei_status status = SEI_OK;
    char *folder = NULL;
    int folder_fd = -1;
    SEI_TRY(folder_of(file->path, &folder));
    if (fsync(file->fd) != 0) goto failed;
    if (close(file->fd) != 0) {
        file->fd = -1;
        goto failed;
    }
    file->fd = -1;
    if (rename(file->temporary, file->path) != 0) goto failed;
    sei_free(file->temporary);
    file->temporary = NULL;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0 || (fsync(folder_fd) != 0 && errno != EINVAL)) goto failed;
    goto done;
failed:
    status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: could not be completed on disk: %s", file->path, strerror(errno));
done:
    if (folder_fd >= 0) close(folder_fd);
    sei_free(folder);
    sei_outfile_abort(file);
    return status;
}

sei_status sei_file_write_text(const char *path, bool overwrite, const char *text, size_t length) {
    sei_outfile file = {.fd = -1};
    sei_status status = sei_outfile_open(path, overwrite, &file);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_outfile_write(&file, text, length));
    SEI_TRY(sei_outfile_commit(&file));
done:
    sei_outfile_abort(&file);
    return status;
}

bool sei_file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool sei_path_same(const char *a, const char *b) {
    struct stat of_a, of_b;
    const bool a_there = stat(a, &of_a) == 0, b_there = stat(b, &of_b) == 0;
    if (a_there || b_there) return a_there && b_there && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    if (strcmp(sei_path_base(a), sei_path_base(b)) != 0) return false;
    char *folder_a = NULL, *folder_b = NULL;
    bool same = false;
    if (folder_of(a, &folder_a) == SEI_OK && folder_of(b, &folder_b) == SEI_OK)
        same =
            stat(folder_a, &of_a) == 0 && stat(folder_b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    sei_free(folder_a);
    sei_free(folder_b);
    return same;
}

bool sei_folder_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

sei_status sei_folder_make(const char *path) {
    char *partial = NULL;
    sei_status status = sei_strdup(path, &partial);
    if (status != SEI_OK) return status;
    for (char *c = partial + (partial[0] == '/'); status == SEI_OK; ++c) {
        if (*c != '/' && *c != 0) continue;
        const char separator = *c;
        *c = 0;
        if (partial[0] != 0 && mkdir(partial, 0777) != 0) {
            const int error = errno; /* looking whether the folder is there already would replace it */
            if (!sei_folder_exists(partial))
                status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: the folder cannot be made: %s", partial, strerror(error));
        }
        *c = separator;
        if (separator == 0) break;
    }
    sei_free(partial);
    return status;
}

sei_status sei_folder_make_below(const char *root, const char *relative) {
    char *path = NULL;
    struct stat info;
    sei_status status = sei_path_join(root, relative, &path);
    if (status != SEI_OK) return status;
    for (char *c = path + strlen(root) + 1; status == SEI_OK; ++c) {
        if (*c != '/' && *c != 0) continue;
        const char separator = *c;
        *c = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: the folder cannot be made: %s", path, strerror(errno));
        } else if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
            status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: a link or file stands where a folder is needed; remove it", path);
        }
        *c = separator;
        if (separator == 0) break;
    }
    sei_free(path);
    return status;
}

void sei_folder_remove_empty(const char *path) {
    (void)rmdir(path);
}

sei_status sei_folder_lock(const char *path, int *lock) {
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return sei_fail(SEI_ERR_ENVIRONMENT, "%s: the folder cannot be used: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        close(fd);
        if (error == EWOULDBLOCK) {
            return sei_fail(SEI_ERR_ENVIRONMENT, "%s: another process works in this folder; wait for it or choose another", path);
        }
        return sei_fail(SEI_ERR_ENVIRONMENT, "%s: the folder cannot be locked: %s", path, strerror(error));
    }
    *lock = fd;
    return SEI_OK;
}

void sei_folder_unlock(int lock) {
    if (lock >= 0) close(lock);
}

void sei_folder_sweep(const char *path) {
    static const char head[] = ".seitomo-";
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strncmp(entry->d_name, head, sizeof head - 1) == 0 && sei_path_has_extension(entry->d_name, "part")) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    closedir(folder);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void sei_folder_list_free(char **names, size_t count) {
    for (size_t i = 0; i < count; ++i) sei_free(names[i]);
    sei_free(names);
}

sei_status sei_folder_list(const char *path, const char *ending, char ***names, size_t *count) {
    sei_status status = SEI_OK;
    char **list = NULL;
    size_t n = 0;
    struct stat info;
    DIR *folder = opendir(path);
    if (folder == NULL && errno != ENOENT)
        return sei_fail(SEI_ERR_ENVIRONMENT, "%s: the folder cannot be read: %s", path, strerror(errno));
    for (const struct dirent *entry = folder == NULL ? NULL : readdir(folder); entry != NULL; entry = readdir(folder)) {
        const size_t length = strlen(entry->d_name);
        const size_t wanted = strlen(ending);
        if (length < wanted || strcmp(entry->d_name + length - wanted, ending) != 0) continue;
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) continue;
        void *grown = list;
        SEI_TRY(sei_realloc(&grown, (n + 1) * sizeof *list));
        list = grown;
        SEI_TRY(sei_strdup(entry->d_name, &list[n]));
        ++n;
    }
    if (n > 1) qsort(list, n, sizeof *list, by_name);
    *names = list;
    *count = n;
    list = NULL;
    n = 0;
done:
    if (folder != NULL) closedir(folder);
    sei_folder_list_free(list, n);
    return status;
}

bool sei_path_in_the_way(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/* Bytes free for this user on the folder's disk; -1 unknown (not there, or a file system that does not count). */
static double free_bytes(const char *path) {
    struct statvfs info;
    return statvfs(path, &info) == 0 && info.f_blocks > 0 ? (double)info.f_bavail * (double)info.f_frsize : -1;
}

sei_status sei_folder_check_space(const char *path, double bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    char *folder = NULL;
    sei_status status = sei_strdup(path[0] == 0 ? "." : path, &folder);
    if (status != SEI_OK) return status;
    while (!sei_folder_exists(folder)) { /* the disk is that of the nearest folder there is */
        char *slash = strrchr(folder, '/');
        if (slash == NULL) {
            folder[0] = '.';
            folder[1] = 0;
        } else {
            slash[slash == folder] = 0;
        }
        if (slash == NULL || slash == folder) break;
    }
    const double there = free_bytes(folder);
    if (there >= 0 && there < bytes) {
        const double largest = bytes > there ? bytes : there;
        double unit = 1;
        int u = 0;
        for (; largest / unit >= 1000 && u < 5; ++u) unit *= 1000;
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: about %.3g %s are to be written and %.3g %s are free on the disk; make room",
                          path, bytes / unit, units[u], there / unit, units[u]);
    }
    sei_free(folder);
    return status;
}

sei_status sei_path_join(const char *folder, const char *name, char **out) {
    void *joined = NULL;
    const size_t length = strlen(folder);
    if (name[0] == '/' || length == 0) return sei_strdup(name, out);
    const size_t bytes = length + strlen(name) + 2;
    const sei_status status = sei_alloc(bytes, &joined);
    if (status != SEI_OK) return status;
    snprintf(joined, bytes, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
    *out = joined;
    return SEI_OK;
}

const char *sei_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool sei_path_has_extension(const char *path, const char *extension) {
    const size_t length = strlen(path);
    const size_t wanted = strlen(extension);
    return length > wanted && path[length - wanted - 1] == '.' && strcasecmp(path + length - wanted, extension) == 0;
}

void sei_path_stem(const char *path, char *stem, size_t size) {
    const char *base = sei_path_base(path);
    const char *dot = strrchr(base, '.');
    const size_t length = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);
    snprintf(stem, size, "%.*s", (int)(length < size ? length : size - 1), base);
}
