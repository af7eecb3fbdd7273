/*
 * workers.c
 *		A few threads, a list of what is to be done and one of what is done, and a descriptor that
 *		wakes the loop. Must not know what is done.
 */
#include "base/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef STAILQ_HEAD(TaskList, WorkerTask) TaskList;

struct Workers
{
	pthread_mutex_t lock;
	pthread_cond_t wanted; /* there is something to do, or it is over */
	pthread_cond_t rested; /* nothing is to be done */
	TaskList waiting;
	TaskList done;
	int unfinished;
	bool is_ending;
	int niceness;
	int event_fd;
	Watch *watch;
	int count;
	pthread_t threads[];
};

static int64_t
processor_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (int64_t) time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void
workers_finish(Workers *workers, WorkerTask *task)
{
	const uint64_t one = 1;

	STAILQ_INSERT_TAIL(&workers->done, task, entry);
	if (--workers->unfinished == 0)
		pthread_cond_broadcast(&workers->rested);
	/* cannot fail but when the counter is full, and then the loop is woken anyway */
	if (write(workers->event_fd, &one, sizeof(one)) < 0)
		return;
}

static void *
workers_main(void *context)
{
	Workers *workers = context;
	WorkerTask *task;

	/* a thread has its own on Linux; where it cannot be set, nothing else is lost */
	if (workers->niceness > 0)
		(void) setpriority(PRIO_PROCESS, (id_t) gettid(), workers->niceness);
	pthread_mutex_lock(&workers->lock);
	while (!workers->is_ending)
	{
		int64_t began;

		task = STAILQ_FIRST(&workers->waiting);
		if (task == NULL)
		{
			pthread_cond_wait(&workers->wanted, &workers->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&workers->waiting, entry);
		pthread_mutex_unlock(&workers->lock);
		began = processor_us();
		task->run(task->work);
		task->took_us = processor_us() - began;
		pthread_mutex_lock(&workers->lock);
		workers_finish(workers, task);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

static WorkerTask *
workers_take_done(Workers *workers)
{
	WorkerTask *task;

	pthread_mutex_lock(&workers->lock);
	task = STAILQ_FIRST(&workers->done);
	if (task != NULL)
		STAILQ_REMOVE_HEAD(&workers->done, entry);
	pthread_mutex_unlock(&workers->lock);
	return task;
}

static void
workers_ready(void *context, int events)
{
	Workers *workers = context;
	WorkerTask *task;
	uint64_t count;

	(void) events;
	/* first the counter, then the list: what is done in between wakes us once more */
	if (read(workers->event_fd, &count, sizeof(count)) < 0)
		return;
	while ((task = workers_take_done(workers)) != NULL)
		task->done(task->context, task->took_us);
}

void
workers_run(Workers *workers, WorkerTask *task)
{
	pthread_mutex_lock(&workers->lock);
	STAILQ_INSERT_TAIL(&workers->waiting, task, entry);
	workers->unfinished++;
	pthread_cond_signal(&workers->wanted);
	pthread_mutex_unlock(&workers->lock);
}

void
workers_wait(Workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	while (workers->unfinished > 0)
		pthread_cond_wait(&workers->rested, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
}

Workers *
workers_new(EventLoop *loop, int threads, int niceness, Failure *failure)
{
	Workers *workers = calloc(1, sizeof(Workers) + (size_t) threads * sizeof(pthread_t));

	if (workers == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->wanted, NULL);
	pthread_cond_init(&workers->rested, NULL);
	STAILQ_INIT(&workers->waiting);
	STAILQ_INIT(&workers->done);
	workers->niceness = niceness;
	workers->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (workers->event_fd >= 0)
		workers->watch = watch_new(loop, workers->event_fd, WATCH_READ, workers_ready, workers);
	while (workers->watch != NULL && workers->count < threads &&
		   pthread_create(&workers->threads[workers->count], NULL, workers_main, workers) == 0)
		workers->count++;
	if (workers->count == threads)
		return workers;
	workers_free(workers);
	failure_set(failure, FAILURE_SYSTEM, "could not start threads");
	return NULL;
}

void
workers_free(Workers *workers)
{
	if (workers == NULL)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->is_ending = true;
	pthread_cond_broadcast(&workers->wanted);
	pthread_mutex_unlock(&workers->lock);
	for (int i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	watch_free(workers->watch);
	if (workers->event_fd >= 0)
		close(workers->event_fd);
	pthread_cond_destroy(&workers->rested);
	pthread_cond_destroy(&workers->wanted);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
