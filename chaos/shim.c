/* Stands between a gateway and the C library (LD_PRELOAD), to do to it what a machine does.
 *
 * - What a file of a database held when it was last fsynced is kept beside it, as FILE.synced: after a kill -9 the
 *   runner puts that in the file's place, as a power cut would.  Creating and removing files is taken to be durable.
 * - The wall clock, and the clock that counts intervals, are off by what the control page says.
 * - Writes to the database fail with ENOSPC while the control page says so.
 *
 * The control page is a file of three 64-bit numbers, mapped: nanoseconds that the wall clock is ahead, nanoseconds
 * that the monotonic clock is behind, and whether the disk is full.  CHAOS_CONTROL names it; CHAOS_TRACKED is what the
 * names of a database's files have in them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 4096

struct control { volatile int64_t wall_ahead, monotonic_behind, full; };
struct range { off_t from, to; };
struct file {
    int shadow;
    size_t used, room;
    struct range *dirty;
};

static struct control nothing, *control = &nothing;
static const char *tracked;
static struct file *files[MOST_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);

__attribute__((constructor)) static void begin(void)
{
    if (real_open) return;
    real_close = dlsym(RTLD_NEXT, "close");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_gettimeofday = dlsym(RTLD_NEXT, "gettimeofday");
    real_open = dlsym(RTLD_NEXT, "open64");
    tracked = getenv("CHAOS_TRACKED");
    const char *path = getenv("CHAOS_CONTROL");
    int fd = path ? real_open(path, O_RDWR) : -1;
    if (fd >= 0) {
        void *page = mmap(NULL, sizeof nothing, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED) control = page;
        real_close(fd);
    }
}

/* what is synced */

static int is_tracked(const char *path)
{
    size_t length = strlen(path);
    return tracked && strstr(path, tracked) && !strstr(path, ".synced")
        && !(length > 4 && !strcmp(path + length - 4, "-shm")) && length < PATH_MAX - 8;
}

static void shadow_of(const char *path, char *into) { snprintf(into, PATH_MAX, "%s.synced", path); }

static struct file *of(int fd) { return fd >= 0 && fd < MOST_FILES ? files[fd] : NULL; }

static void follow(int fd, const char *path, int flags)
{
    if (fd < 0 || fd >= MOST_FILES || !is_tracked(path) || (flags & O_ACCMODE) == O_RDONLY || (flags & O_DIRECTORY))
        return;
    char name[PATH_MAX];
    shadow_of(path, name);
    struct file *file = calloc(1, sizeof *file);
    file->shadow = real_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    pthread_mutex_lock(&lock);
    files[fd] = file;
    pthread_mutex_unlock(&lock);
}

static void dirty(int fd, off_t from, off_t to)
{
    pthread_mutex_lock(&lock);
    struct file *file = of(fd);
    if (file) {
        if (file->used == file->room) {
            file->room = file->room ? 2 * file->room : 64;
            file->dirty = realloc(file->dirty, file->room * sizeof *file->dirty);
        }
        file->dirty[file->used++] = (struct range){from, to};
    }
    pthread_mutex_unlock(&lock);
}

static void synced(int fd)
{
    static char piece[1 << 16];
    pthread_mutex_lock(&lock);
    struct file *file = of(fd);
    if (file) {
        for (size_t i = 0; i < file->used; i++)
            for (off_t at = file->dirty[i].from; at < file->dirty[i].to;) {
                size_t left = file->dirty[i].to - at;
                ssize_t got = pread64(fd, piece, left < sizeof piece ? left : sizeof piece, at);
                if (got <= 0) break; /* it was truncated since */
                real_pwrite(file->shadow, piece, got, at);
                at += got;
            }
        file->used = 0;
        struct stat now;
        if (!fstat(fd, &now)) real_ftruncate(file->shadow, now.st_size);
    }
    pthread_mutex_unlock(&lock);
}

static int full(int fd)
{
    if (!control->full || !of(fd)) return 0;
    errno = ENOSPC;
    return 1;
}

int open64(const char *path, int flags, ...)
{
    begin();
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int fd = real_open(path, flags, mode);
    follow(fd, path, flags);
    return fd;
}

int open(const char *path, int flags, ...)
{
    begin();
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int fd = real_open(path, flags, mode);
    follow(fd, path, flags);
    return fd;
}

int close(int fd)
{
    begin();
    pthread_mutex_lock(&lock);
    struct file *file = of(fd);
    if (file) {
        files[fd] = NULL;
        real_close(file->shadow);
        free(file->dirty);
        free(file);
    }
    pthread_mutex_unlock(&lock);
    return real_close(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off_t at)
{
    begin();
    if (full(fd)) return -1;
    ssize_t wrote = real_pwrite(fd, data, count, at);
    if (wrote > 0 && of(fd)) dirty(fd, at, at + wrote);
    return wrote;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at) { return pwrite64(fd, data, count, at); }

ssize_t write(int fd, const void *data, size_t count)
{
    begin();
    if (!of(fd)) return real_write(fd, data, count);
    if (full(fd)) return -1;
    ssize_t wrote = real_write(fd, data, count);
    off_t now = lseek64(fd, 0, SEEK_CUR);
    if (wrote > 0) dirty(fd, now - wrote, now);
    return wrote;
}

int ftruncate64(int fd, off_t size)
{
    begin();
    return real_ftruncate(fd, size); /* what is left of it is seen at the next sync */
}

int fsync(int fd)
{
    begin();
    int failed = real_fsync(fd);
    if (!failed) synced(fd);
    return failed;
}

int fdatasync(int fd)
{
    begin();
    int failed = real_fdatasync(fd);
    if (!failed) synced(fd);
    return failed;
}

int unlink(const char *path)
{
    begin();
    int failed = real_unlink(path);
    if (!failed && is_tracked(path)) {
        char name[PATH_MAX];
        shadow_of(path, name);
        real_unlink(name);
    }
    return failed;
}

/* the clocks */

static void move(struct timespec *at, int64_t by)
{
    int64_t moved = at->tv_sec * 1000000000LL + at->tv_nsec + by;
    at->tv_sec = moved / 1000000000LL;
    at->tv_nsec = moved % 1000000000LL;
}

int clock_gettime(clockid_t which, struct timespec *at)
{
    begin();
    int failed = real_clock_gettime(which, at);
    if (!failed) switch (which) {
        case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: move(at, control->wall_ahead); break;
        case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_COARSE: case CLOCK_MONOTONIC_RAW: /* as while it is suspended */
            move(at, -control->monotonic_behind); break;
        default: break;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    begin();
    int failed = real_gettimeofday(at, zone);
    if (!failed) {
        struct timespec moved = {at->tv_sec, at->tv_usec * 1000};
        move(&moved, control->wall_ahead);
        at->tv_sec = moved.tv_sec;
        at->tv_usec = moved.tv_nsec / 1000;
    }
    return failed;
}

time_t time(time_t *into)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

/* waits until a moment of a clock that was moved: the kernel's is another */

int sem_clockwait(sem_t *restrict semaphore, clockid_t which, const struct timespec *restrict until)
{
    static int (*real)(sem_t *, clockid_t, const struct timespec *);
    begin();
    if (!real) real = dlsym(RTLD_NEXT, "sem_clockwait");
    struct timespec moved = *until;
    move(&moved, which == CLOCK_MONOTONIC ? control->monotonic_behind : -control->wall_ahead);
    return real(semaphore, which, &moved);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    static int (*real)(sem_t *, const struct timespec *);
    begin();
    if (!real) real = dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec moved = *until;
    move(&moved, -control->wall_ahead);
    return real(semaphore, &moved);
}

/* Python and libuv make their conditions with the monotonic clock, which is small; other moments are of the wall's */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    begin();
    if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec moved = *until;
    move(&moved, until->tv_sec < 500000000 ? control->monotonic_behind : -control->wall_ahead);
    return real(condition, mutex, &moved);
}

int clock_nanosleep(clockid_t which, int flags, const struct timespec *until, struct timespec *left)
{
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
    begin();
    if (!real) real = dlsym(RTLD_NEXT, "clock_nanosleep");
    struct timespec moved = *until;
    if (flags & TIMER_ABSTIME)
        move(&moved, which == CLOCK_MONOTONIC ? control->monotonic_behind : -control->wall_ahead);
    return real(which, flags, &moved, left);
}
