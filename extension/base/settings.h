/*
 * settings.h
 *		The settings a session can make; defined in casesync.c.
 */
#ifndef CASESYNC_SETTINGS_H
#define CASESYNC_SETTINGS_H

typedef enum CaptureMode
{
	CAPTURE_ON,
	CAPTURE_OFF
} CaptureMode;

typedef enum DoorbellMode
{
	DOORBELL_AUTO, /* rings when the router sleeps */
	DOORBELL_ALWAYS,
	DOORBELL_NEVER /* the router finds changes when it looks by itself */
} DoorbellMode;

extern int casesync_doorbell;		/* a DoorbellMode */
extern int casesync_capture;		/* a CaptureMode */
extern int casesync_render_timeout; /* milliseconds that users' code may take; 0 = for ever */
extern double
	casesync_filter_timeout;		/* of all filters of a partner, for a subject; 0 = for ever */
extern int casesync_search_timeout; /* milliseconds that a partner's search may take */
extern int casesync_search_limit;	/* records that it may match */
extern bool casesync_review;		/* warn of mistakes in what is written of a configuration */
extern char *casesync_actor;		/* who acts, as the application says; "" = nobody said */
extern char *casesync_channel;		/* through what, likewise */

#endif /* CASESYNC_SETTINGS_H */
