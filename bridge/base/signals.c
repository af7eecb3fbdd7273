/*
 * signals.c
 *		Signals as events. Must not do what they ask for.
 */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int
signals_open(void)
{
	sigset_t signals;

	/* a partner or a log reader that goes away must not take the bridge with it */
	signal(SIGPIPE, SIG_IGN);
	/* a limit of file sizes is an error as a full disk is */
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	/* blocked, they come through the descriptor only, between two handlers */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
signals_next(int fd)
{
	struct signalfd_siginfo signal;

	return read(fd, &signal, sizeof(signal)) == (ssize_t) sizeof(signal) ? (int) signal.ssi_signo
																		 : 0;
}
