/*
 * Loaded into a program by LD_PRELOAD, this writes down everything that the program
 * does, through the C library, to the files below one folder: what is opened, written,
 * cut, synchronised, renamed and removed, in the order in which it happens.
 *
 *   POWERLOSS_DIR  the folder, as its real path
 *   POWERLOSS_LOG  the file that is appended to
 *
 * The log is a row of records, each appended by one writev(2), so that other processes
 * can append theirs. Package powerloss reads them; the head is described there, too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The C library's headers may have made macros of these names. */
#undef open
#undef open64
#undef pwrite
#undef pwrite64
#undef ftruncate
#undef ftruncate64

struct head {
	uint32_t magic;
	uint32_t size; /* of all that follows the head */
	uint64_t file; /* which open of a file this is about */
	uint64_t at;   /* offset, length, flags or ticket */
	uint32_t name; /* bytes of the path, which come before the data */
	uint32_t op;
} __attribute__((packed));

#define MAGIC 0x73774c50 /* "PLws" */
#define FILES 4096

static char folder[PATH_MAX];
static size_t folder_len;
static int log_fd = -1;
static uint64_t opened[FILES]; /* by descriptor; 0: not ours */
static uint64_t last_file, last_ticket;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void)
{
	const char *dir = getenv("POWERLOSS_DIR"), *log = getenv("POWERLOSS_LOG");

	if (dir == NULL || log == NULL || strlen(dir) >= sizeof folder)
		return;
	strcpy(folder, dir);
	folder_len = strlen(dir);
	log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* ours says whether a path is the folder or below it. */
static int ours(const char *path)
{
	return log_fd >= 0 && path != NULL && strncmp(path, folder, folder_len) == 0 &&
	       (path[folder_len] == '/' || path[folder_len] == '\0');
}

static uint64_t file_of(int fd)
{
	return fd >= 0 && fd < FILES ? opened[fd] : 0;
}

/* A log with a hole would make every image wrong: rather end the program. */
static void note(uint32_t op, uint64_t file, uint64_t at, const char *path, const void *data, size_t n)
{
	struct head h = {MAGIC, 0, file, at, path ? strlen(path) : 0, op};
	struct iovec parts[3] = {{&h, sizeof h}, {(void *)path, h.name}, {(void *)data, n}};

	h.size = h.name + n;
	if (syscall(SYS_writev, log_fd, parts, 3) != (long)(sizeof h + h.size))
		abort();
}

static int note_open(const char *path, int flags, int fd)
{
	if (fd >= 0 && fd < FILES && ours(path)) {
		pthread_mutex_lock(&lock);
		opened[fd] = (uint64_t)getpid() << 32 | ++last_file;
		note(path[folder_len] ? 'o' : 'd', opened[fd], flags, path, NULL, 0);
		pthread_mutex_unlock(&lock);
	} else if (fd >= FILES && ours(path)) {
		abort();
	}
	return fd;
}

static int open_at(const char *path, int flags, mode_t mode)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OPEN(name)                                                    \
	int name(const char *path, int flags, ...)                    \
	{                                                             \
		mode_t mode = 0;                                      \
		if (flags & (O_CREAT | __O_TMPFILE)) {                \
			va_list rest;                                 \
			va_start(rest, flags);                        \
			mode = va_arg(rest, mode_t);                  \
			va_end(rest);                                 \
		}                                                     \
		return note_open(path, flags, open_at(path, flags, mode)); \
	}
OPEN(open)
OPEN(open64)

int close(int fd)
{
	if (file_of(fd))
		opened[fd] = 0;
	return syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *data, size_t n)
{
	uint64_t file = file_of(fd);
	ssize_t done;
	off_t at;

	if (!file)
		return syscall(SYS_write, fd, data, n);
	pthread_mutex_lock(&lock);
	at = syscall(SYS_lseek, fd, 0, SEEK_CUR);
	done = syscall(SYS_write, fd, data, n);
	if (done > 0)
		note('w', file, at, NULL, data, done);
	pthread_mutex_unlock(&lock);
	return done;
}

static ssize_t write_at(int fd, const void *data, size_t n, off_t at)
{
	uint64_t file = file_of(fd);
	ssize_t done;

	if (!file)
		return syscall(SYS_pwrite64, fd, data, n, at);
	pthread_mutex_lock(&lock);
	done = syscall(SYS_pwrite64, fd, data, n, at);
	if (done > 0)
		note('w', file, at, NULL, data, done);
	pthread_mutex_unlock(&lock);
	return done;
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return write_at(fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { return write_at(fd, data, n, at); }

static int cut(int fd, off_t size)
{
	uint64_t file = file_of(fd);
	int done;

	if (!file)
		return syscall(SYS_ftruncate, fd, size);
	pthread_mutex_lock(&lock);
	done = syscall(SYS_ftruncate, fd, size);
	if (done == 0)
		note('t', file, size, NULL, NULL, 0);
	pthread_mutex_unlock(&lock);
	return done;
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

/* What is written while the disk synchronises may or may not be part of it: only what
 * was there at its beginning is, and only once it has ended. */
static int sync_by(long call, int fd)
{
	uint64_t file = file_of(fd), ticket;
	int done;

	if (!file)
		return syscall(call, fd);
	pthread_mutex_lock(&lock);
	ticket = ++last_ticket;
	note('s', file, ticket, NULL, NULL, 0);
	pthread_mutex_unlock(&lock);
	done = syscall(call, fd);
	if (done == 0) {
		pthread_mutex_lock(&lock);
		note('S', file, ticket, NULL, NULL, 0);
		pthread_mutex_unlock(&lock);
	}
	return done;
}
int fsync(int fd) { return sync_by(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }

int unlink(const char *path)
{
	int done;

	if (!ours(path))
		return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	pthread_mutex_lock(&lock);
	done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	if (done == 0)
		note('u', 0, 0, path, NULL, 0);
	pthread_mutex_unlock(&lock);
	return done;
}

int rename(const char *from, const char *to)
{
	int done;

	if (!ours(from) && !ours(to))
		return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	pthread_mutex_lock(&lock);
	done = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (done == 0)
		note('r', 0, 0, from, to, strlen(to));
	pthread_mutex_unlock(&lock);
	return done;
}
