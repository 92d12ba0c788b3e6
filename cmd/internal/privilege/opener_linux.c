//go:build cgo

// The opener: hands packet sockets to the process at the other end of descriptor 3. See
// doc.go for what it is, and opener_linux.go for who starts it. It is C because it runs
// instead of the Go runtime, in one thread, and because it can be read in one go.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

enum { CHANNEL = 3 };

// What the other side sends, and what it is answered; see socket in opener_linux.go.
struct request { uint8_t type, number; };
struct reply { uint32_t failed; uint8_t number; };

// answer sends a reply, with a descriptor unless fd is negative.
static int answer(struct reply *r, int fd) {
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec text = { r, sizeof *r };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	memset(&control, 0, sizeof control);
	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
		message.msg_control = control.room;
		message.msg_controllen = sizeof control.room;
	}
	ssize_t sent;
	do sent = sendmsg(CHANNEL, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof *r ? 0 : -1;
}

// serve says that it is there (a reply that nobody has asked for, of number 0) and opens
// sockets until the other side is gone. The protocol is 0: a socket sees no frame before
// it is bound, which is not for us to do.
static void serve(void) {
	struct reply ready = { 0, 0 };
	if (answer(&ready, -1))
		return;
	for (;;) {
		struct request ask;
		ssize_t n = recv(CHANNEL, &ask, sizeof ask, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof ask)
			return;
		int kind = ask.type == SOCK_DGRAM ? SOCK_DGRAM : SOCK_RAW;
		int fd = socket(AF_PACKET, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		struct reply r = { .failed = fd < 0 ? (uint32_t)errno : 0, .number = ask.number };
		int lost = answer(&r, fd);
		if (fd >= 0)
			close(fd);
		if (lost)
			return;
	}
}

// keepOne gives up every capability but CAP_NET_RAW. Where capset is not allowed nothing
// is given up, which is right if there was no other; it returns 0 if that is so.
static int keepOne(void) {
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct want[2] = { { .effective = 1u << CAP_NET_RAW, .permitted = 1u << CAP_NET_RAW } }, have[2];
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capset, &head, want);
	if (syscall(SYS_capget, &head, have))
		return -1;
	return (have[0].permitted & ~(1u << CAP_NET_RAW)) | have[1].permitted ? -1 : 0;
}

// allow is the part of a filter that lets one system call pass.
#define allow(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

// shut leaves the system calls that serve uses; any other ends the process. Kernels
// without seccomp go on without.
static void shut(void) {
#ifdef MACHINE
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		allow(recvfrom), allow(sendmsg), allow(close), allow(exit_group), allow(rt_sigreturn), allow(restart_syscall),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])), // little-endian: the lower half
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_PACKET, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = { sizeof program / sizeof *program, program };
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0); // unlike seccomp(2), allowed in systemd's @system-service
#endif
}

// ignore keeps what is sent to a terminal's group, or to all of a service, from ending
// the opener before the sensor, which may still need it.
static void ignore(void) {
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP };
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_IGN);
}

// open_packet_sockets is the opener, where this process is to be one.
__attribute__((constructor)) static void open_packet_sockets(void) {
	const char *asked = getenv("_PACKETHEAT_OPENER");
	if (!asked || strcmp(asked, "1"))
		return;
	ignore();
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) { // see doc.go
		static const char say[] = "packetheat: an opener is started by packetheat run, not by hand\n";
		ssize_t unread = write(STDERR_FILENO, say, sizeof say - 1);
		(void)unread;
		_exit(2);
	}
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "packet-opener", 0, 0, 0);
	if (keepOne() || chdir("/"))
		_exit(1);
#ifdef SYS_close_range
	syscall(SYS_close_range, CHANNEL + 1, ~0u, 0);
#endif
	shut();
	serve();
	_exit(0);
}
