/*
 * Preloaded into a node (LD_PRELOAD), it notes every fsync and fdatasync that succeeded. Each is one line in the file that the
 * variable SYNC_LOG names: when it began, when it ended, how many bytes the file had when it began, and the file's path.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC, the clock of process.hrtime. What the file had when the sync began is on the disk
 * when it has ended; what was appended meanwhile may be, so it is not counted. A line is written before the caller goes on: if
 * the process is killed in between, a sync may be missing in the log, but none is there that was not done.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static int log_file = -1;
static sync_function real_fsync;
static sync_function real_fdatasync;

__attribute__((constructor)) static void open_log(void) {
  const char *path = getenv("SYNC_LOG");
  if (path != NULL) log_file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  real_fsync = (sync_function)dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = (sync_function)dlsym(RTLD_NEXT, "fdatasync");
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int logged(sync_function real, int file) {
  struct stat facts;
  const int known = fstat(file, &facts) == 0;
  const long long began = now_ns();
  const int result = real(file);
  const int error = errno;
  const long long ended = now_ns();
  if (result == 0 && known && log_file >= 0) {
    char link[64], path[PATH_MAX], line[PATH_MAX + 128];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
      path[length] = '\0';
      const int bytes =
          snprintf(line, sizeof line, "%lld %lld %lld %s\n", began, ended, (long long)facts.st_size, path);
      if (write(log_file, line, bytes) != bytes) abort();
    }
  }
  errno = error;
  return result;
}

int fsync(int file) { return logged(real_fsync, file); }

int fdatasync(int file) { return logged(real_fdatasync, file); }
