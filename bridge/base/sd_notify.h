/*
 * sd_notify.h
 *		Tells a service manager how the process is doing, if there is one that asked.
 */
#ifndef SD_NOTIFY_H
#define SD_NOTIFY_H

/* state as systemd understands it ("READY=1"); does nothing without $NOTIFY_SOCKET. */
extern void sd_notify_send(const char *state);

#endif
