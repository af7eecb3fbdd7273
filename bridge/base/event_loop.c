/*
 * event_loop.c
 *		One wait for everything the bridge waits for: descriptors by epoll, timers by its timeout.
 *		Must not know what the descriptors are.
 */
#include "base/event_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64
#define NOT_SET INT64_MAX
#define AWAKE_EVERY_MS 500
#define STANDSTILL_MS 1000

/* of the process, not of a loop: whoever asks may know none */
static int64_t stood_still_at = 0;

struct Watch
{
	SLIST_ENTRY(Watch) freed;
	EventLoop *loop;
	int fd;
	WatchHandler handler; /* NULL: freed while the kernel's list was being worked */
	void *context;
};

struct Timer
{
	LIST_ENTRY(Timer) entry;
	EventLoop *loop;
	int64_t due; /* NOT_SET when it is not running */
	TimerHandler handler;
	void *context;
};

typedef SLIST_HEAD(WatchList, Watch) WatchList;
typedef LIST_HEAD(TimerList, Timer) TimerList;

struct EventLoop
{
	int epoll_fd;
	bool stopping;
	bool in_handlers;
	WatchList freed; /* by a handler; the kernel's list may still name them */
	TimerList timers;
	int64_t awake_at;
	Timer *cursor; /* next timer to look at, moved on when that timer is freed */
};

EventLoop *
event_loop_new(Failure *failure)
{
	EventLoop *loop = calloc(1, sizeof(EventLoop));

	if (loop == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
	{
		failure_set(failure, FAILURE_SYSTEM, "could not create the event loop: %s",
					strerror(errno));
		free(loop);
		return NULL;
	}
	return loop;
}

static void
event_loop_release_freed(EventLoop *loop)
{
	while (!SLIST_EMPTY(&loop->freed))
	{
		Watch *watch = SLIST_FIRST(&loop->freed);

		SLIST_REMOVE_HEAD(&loop->freed, freed);
		free(watch);
	}
}

void
event_loop_free(EventLoop *loop)
{
	if (loop == NULL)
		return;
	event_loop_release_freed(loop);
	close(loop->epoll_fd);
	free(loop);
}

void
event_loop_stop(EventLoop *loop)
{
	loop->stopping = true;
}

int64_t
event_loop_now(void)
{
	struct timespec now;

	/* it goes on while the machine is suspended: deadlines count for others too */
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
event_loop_timeout(const EventLoop *loop)
{
	int64_t due = NOT_SET;
	const Timer *timer;
	int64_t wait;

	/* A walk over all: there are about as many timers as connections, and no heap is to be kept. */
	LIST_FOREACH (timer, &loop->timers, entry)
		if (timer->due < due)
			due = timer->due;
	if (due == NOT_SET)
		return AWAKE_EVERY_MS;
	wait = due - event_loop_now();
	if (wait < 0)
		return 0;
	/* waking up for nothing is cheap, and shows that we can */
	return wait > AWAKE_EVERY_MS ? AWAKE_EVERY_MS : (int) wait;
}

static void
event_loop_run_timers(EventLoop *loop)
{
	int64_t now = event_loop_now();
	Timer *timer = LIST_FIRST(&loop->timers);

	while (timer != NULL)
	{
		/* the handler may free this timer or the next one; timer_free moves the cursor on */
		loop->cursor = LIST_NEXT(timer, entry);
		if (timer->due <= now)
		{
			/* before the handler, so that it can set it again */
			timer->due = NOT_SET;
			timer->handler(timer->context);
		}
		timer = loop->cursor;
	}
}

static void
event_loop_run_watches(struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++)
	{
		Watch *watch = events[i].data.ptr;
		uint32_t seen = events[i].events;
		int ready = 0;

		/* Errors and hang-ups are told as readiness: the next read or write says what happened. */
		if (seen & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP))
			ready |= WATCH_READ;
		if (seen & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			ready |= WATCH_WRITE;
		if (watch->handler != NULL)
			watch->handler(watch->context, ready);
	}
}

int64_t
event_loop_stood_still_at(void)
{
	return stood_still_at;
}

static void
event_loop_is_awake(EventLoop *loop)
{
	int64_t now = event_loop_now();

	if (now - loop->awake_at > AWAKE_EVERY_MS + STANDSTILL_MS)
		stood_still_at = now;
	loop->awake_at = now;
}

bool
event_loop_run(EventLoop *loop, Failure *failure)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	loop->stopping = false;
	loop->awake_at = event_loop_now();
	while (!loop->stopping)
	{
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, event_loop_timeout(loop));

		if (count < 0 && errno != EINTR)
		{
			failure_set(failure, FAILURE_SYSTEM, "could not wait for events: %s", strerror(errno));
			return false;
		}
		event_loop_is_awake(loop);
		/* until the whole batch is worked, watches are only marked as freed */
		loop->in_handlers = true;
		event_loop_run_watches(events, count > 0 ? count : 0);
		event_loop_run_timers(loop);
		loop->in_handlers = false;
		event_loop_release_freed(loop);
	}
	return true;
}

static uint32_t
watch_mask(int events)
{
	uint32_t mask = 0;

	if (events & WATCH_READ)
		mask |= EPOLLIN | EPOLLRDHUP;
	if (events & WATCH_WRITE)
		mask |= EPOLLOUT;
	return mask;
}

Watch *
watch_new(EventLoop *loop, int fd, int events, WatchHandler handler, void *context)
{
	struct epoll_event event = {.events = watch_mask(events)};
	Watch *watch = calloc(1, sizeof(Watch));

	if (watch == NULL)
		return NULL;
	watch->loop = loop;
	watch->fd = fd;
	watch->handler = handler;
	watch->context = context;
	event.data.ptr = watch;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
	{
		free(watch);
		return NULL;
	}
	return watch;
}

bool
watch_change(Watch *watch, int events)
{
	struct epoll_event event = {.events = watch_mask(events), .data.ptr = watch};

	return epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0;
}

void
watch_free(Watch *watch)
{
	if (watch == NULL)
		return;
	(void) epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	/* The batch at hand may still point to it: a handler may free any watch, also its own. */
	if (!watch->loop->in_handlers)
	{
		free(watch);
		return;
	}
	watch->handler = NULL;
	SLIST_INSERT_HEAD(&watch->loop->freed, watch, freed);
}

Timer *
timer_new(EventLoop *loop, TimerHandler handler, void *context)
{
	Timer *timer = calloc(1, sizeof(Timer));

	if (timer == NULL)
		return NULL;
	timer->loop = loop;
	timer->due = NOT_SET;
	timer->handler = handler;
	timer->context = context;
	LIST_INSERT_HEAD(&loop->timers, timer, entry);
	return timer;
}

void
timer_set(Timer *timer, int64_t after_ms)
{
	timer->due = event_loop_now() + (after_ms > 0 ? after_ms : 0);
}

void
timer_set_sooner(Timer *timer, int64_t after_ms)
{
	int64_t due = event_loop_now() + (after_ms > 0 ? after_ms : 0);

	if (due < timer->due)
		timer->due = due;
}

void
timer_stop(Timer *timer)
{
	timer->due = NOT_SET;
}

void
timer_free(Timer *timer)
{
	if (timer == NULL)
		return;
	if (timer->loop->cursor == timer)
		timer->loop->cursor = LIST_NEXT(timer, entry);
	LIST_REMOVE(timer, entry);
	free(timer);
}
