// Static inline wrappers for what Swift can't import from Linux' headers: variadic calls, macros and bit masks.
#pragma once
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Not _GNU_SOURCE: Glibc's own module and OpenSSL's are read without it, and one file may import them beside this one.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pthread_setname_np(pthread_t, const char *);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

static inline void linux_prefetch(const void *address) { __builtin_prefetch(address); }

static inline int linux_errno(void) { return errno; }

static inline int linux_open(const char *path, int flags, unsigned mode) { return open(path, flags, (mode_t)mode); }
static inline int linux_fcntl_int(int descriptor, int command, int argument) { return fcntl(descriptor, command, argument); }

static inline int linux_socket(int family, int type) {
  return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
static inline int linux_accept(int listener, struct sockaddr_storage *peer, socklen_t *length) {
  return accept4(listener, (struct sockaddr *)peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
static inline int linux_connect(int descriptor, const void *address, socklen_t length) {
  return connect(descriptor, (const struct sockaddr *)address, length);
}
static inline int linux_bind(int descriptor, const void *address, socklen_t length) {
  return bind(descriptor, (const struct sockaddr *)address, length);
}
static inline int linux_getsockname(int descriptor, struct sockaddr_storage *address, socklen_t *length) {
  return getsockname(descriptor, (struct sockaddr *)address, length);
}
// The user at the other end of a Unix connection; struct ucred is not declared without _GNU_SOURCE.
static inline int linux_peer_user(int descriptor, uint32_t *user) {
  struct { int32_t process; uint32_t user; uint32_t group; } peer;
  socklen_t length = sizeof peer;
  int family = 0;
  socklen_t familyLength = sizeof family;
  if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &familyLength) || family != AF_UNIX) return -1;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) || length != sizeof peer) return -1;
  *user = peer.user;
  return 0;
}
static inline int linux_set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value);
}
static inline int linux_socket_error(int descriptor) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length) ? errno : value;
}
static inline int linux_linger_reset(int descriptor) {
  struct linger option = {1, 0};
  return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}
// recv(3) and send(3) are cancellation points: in a process of several threads the library pays for that around each
// call. Nobody cancels threads here, so the system calls are made directly.
static inline ssize_t linux_recv(int descriptor, void *into, size_t count) {
  return syscall(SYS_recvfrom, descriptor, into, count, 0, NULL, NULL);
}
static inline ssize_t linux_send(int descriptor, const void *from, size_t count) {
  return syscall(SYS_sendto, descriptor, from, count, MSG_NOSIGNAL, NULL, 0);
}
static inline ssize_t linux_send_two(int descriptor, const void *first, size_t firstCount, const void *second, size_t secondCount) {
  struct iovec parts[2] = {{(void *)first, firstCount}, {(void *)second, secondCount}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  return sendmsg(descriptor, &message, MSG_NOSIGNAL);
}
static inline int linux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int linux_epoll_add(int poller, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}
static inline int linux_epoll_modify(int poller, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event);
}
static inline int linux_epoll_remove(int poller, int descriptor) {
  return epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, NULL);
}
static inline uint64_t linux_event_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t linux_event_bits(const struct epoll_event *event) { return event->events; }
static inline ssize_t linux_peek(int descriptor, void *into, size_t count) {
  return syscall(SYS_recvfrom, descriptor, into, count, MSG_PEEK, NULL, NULL);
}
static inline int linux_watch_create(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }
static inline int linux_watch_folder(int watch, const char *path) {
  return inotify_add_watch(watch, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR);
}
// The file name of the event at a place of what was read from a watch, NULL when events were lost; moves the place on.
static inline const char *linux_watch_next(const char *events, size_t *place) {
  const struct inotify_event *event = (const struct inotify_event *)(events + *place);
  *place += sizeof *event + event->len;
  return event->mask & IN_Q_OVERFLOW || event->len == 0 ? NULL : event->name;
}
static inline int linux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int64_t linux_now(clockid_t clock) {
  struct timespec value;
  clock_gettime(clock, &value);
  return (int64_t)value.tv_sec * 1000000000 + value.tv_nsec;
}
static const uint32_t linux_epoll_in = EPOLLIN;
static const uint32_t linux_epoll_out = EPOLLOUT;
static const uint32_t linux_epoll_rdhup = EPOLLRDHUP;
static const uint32_t linux_epoll_hup = EPOLLHUP;
static const uint32_t linux_epoll_err = EPOLLERR;
static const uint32_t linux_epoll_et = EPOLLET;
static inline int linux_affinity_count(void) {
  unsigned long set[1024] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof set, set);
  int count = 0;
  for (long word = 0; word < bytes / (long)sizeof *set; word++) count += __builtin_popcountl(set[word]);
  return count > 0 ? count : 1;
}
static inline int linux_signalfd(int only_one_more, sigset_t *set) { return signalfd(only_one_more, set, SFD_CLOEXEC); }
static inline void *linux_reserve(size_t count) {
  void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}
// The calling thread's niceness: the kernel keeps one for each thread.
static inline void linux_set_niceness(int niceness) { setpriority(PRIO_PROCESS, 0, niceness); }
static inline int linux_niceness(void) { return getpriority(PRIO_PROCESS, 0); }
static inline void linux_trim(void) { malloc_trim(0); }
static inline void linux_set_errno(int number) { errno = number; }
static inline void linux_ignore_broken_pipes(void) {
  signal(SIGPIPE, SIG_IGN);
  // A file that may not grow any more is an error of the write, not the end of the process.
  signal(SIGXFSZ, SIG_IGN);
}
static inline void linux_release(void *memory, size_t count) { munmap(memory, count); }
// Whether a path leads to a socket, itself and not through a link.
static inline int linux_is_socket(const char *path) {
  struct stat facts;
  return lstat(path, &facts) == 0 && S_ISSOCK(facts.st_mode);
}
// Whole messages between two processes, and descriptors with them.
#define LINUX_MOST_DESCRIPTORS 64
static inline int linux_message_pair(int *pair) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair); }
static inline ssize_t linux_send_message(int socket, const void *bytes, size_t count, const int *descriptors, int descriptorCount) {
  union { struct cmsghdr header; char room[CMSG_SPACE(LINUX_MOST_DESCRIPTORS * sizeof(int))]; } control = {0};
  struct iovec part = {(void *)bytes, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptorCount < 0 || descriptorCount > LINUX_MOST_DESCRIPTORS) { errno = EINVAL; return -1; }
  if (descriptorCount > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(descriptorCount * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptorCount * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, descriptorCount * sizeof(int));
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}
// Receives one message; one that does not fit is an error (EMSGSIZE), and so are more than LINUX_MOST_DESCRIPTORS.
static inline ssize_t linux_receive_message(int socket, void *bytes, size_t count, int *descriptors, int *descriptorCount) {
  union { struct cmsghdr header; char room[CMSG_SPACE(LINUX_MOST_DESCRIPTORS * sizeof(int))]; } control;
  struct iovec part = {bytes, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *descriptorCount = 0;
  ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return got;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int more = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int place = 0; place < more && *descriptorCount < LINUX_MOST_DESCRIPTORS; place++)
      memcpy(&descriptors[(*descriptorCount)++], CMSG_DATA(header) + place * sizeof(int), sizeof(int));
  }
  if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) return got;
  for (int place = 0; place < *descriptorCount; place++) close(descriptors[place]);
  *descriptorCount = 0;
  errno = EMSGSIZE;
  return -1;
}
static inline int linux_wait_readable(int descriptor, int milliseconds) {
  struct pollfd look = {.fd = descriptor, .events = POLLIN};
  return poll(&look, 1, milliseconds);
}
static inline void linux_set_send_patience(int socket, int seconds) {
  struct timeval patience = {seconds, 0};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}
// Makes a socket that somebody else opened like one of ours.
static inline int linux_adopt_socket(int socket) {
  int flags = fcntl(socket, F_GETFL);
  if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0) return -1;
  return fcntl(socket, F_SETFD, FD_CLOEXEC);
}
// Whether a descriptor is a stream socket that listens.
static inline int linux_is_listening(int descriptor) {
  int value = 0, type = 0;
  socklen_t length = sizeof value, typeLength = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
      && getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &typeLength) == 0 && type == SOCK_STREAM;
}
static inline int linux_are_same_file(int one, int other) {
  struct stat first, second;
  return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}
