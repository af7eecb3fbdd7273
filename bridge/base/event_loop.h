/*
 * event_loop.h
 *		One wait for everything the bridge waits for: descriptors and timers.
 *		Knows nothing of databases, HTTP or messages.
 */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

typedef struct EventLoop EventLoop;
typedef struct Watch Watch;
typedef struct Timer Timer;

/* What to wait for, and what happened; an error or hang-up counts as both. */
#define WATCH_READ 1
#define WATCH_WRITE 2

typedef void (*WatchHandler)(void *context, int events);
typedef void (*TimerHandler)(void *context);

/*
 * NULL with a failure when the kernel refuses. The loop must be freed after its watches and
 * timers.
 */
extern EventLoop *event_loop_new(Failure *failure);
extern void event_loop_free(EventLoop *loop);

/* Runs until event_loop_stop; false with a failure when waiting itself fails. */
extern bool event_loop_run(EventLoop *loop, Failure *failure);
extern void event_loop_stop(EventLoop *loop);

/* Milliseconds of a clock that never goes back, nor stops when the machine is suspended. */
extern int64_t event_loop_now(void);

/*
 * When this process was last found to have stood still for more than a second, or something in it
 * took so long; 0: never. Known before anything is told of what came meanwhile.
 */
extern int64_t event_loop_stood_still_at(void);

/*
 * Calls the handler whenever one of the events is there. The descriptor stays the caller's; it
 * must free the watch before closing it. NULL when memory or the kernel's table is exhausted.
 */
extern Watch *watch_new(EventLoop *loop, int fd, int events, WatchHandler handler, void *context);
extern bool watch_change(Watch *watch, int events);
extern void watch_free(Watch *watch); /* also from within its own handler; NULL is fine */

/* A timer fires once per timer_set; setting it again moves it. NULL when out of memory. */
extern Timer *timer_new(EventLoop *loop, TimerHandler handler, void *context);
extern void timer_set(Timer *timer, int64_t after_ms);
extern void timer_set_sooner(Timer *timer, int64_t after_ms); /* moves it only forward in time */
extern void timer_stop(Timer *timer);
extern void timer_free(Timer *timer); /* also from within its own handler; NULL is fine */

#endif
