/*
 * worker.c
 *		A queue that threads take from, and a list of what is done that the loop is woken for.
 */
#include "base/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64	  /* that may wait, */
#define JOBS_OF_ONE 8 /* and of one owner */
#define THREADS_MAX 8

typedef struct Job
{
	TAILQ_ENTRY(Job) entry;
	char *who;
	int64_t turn; /* the lowest is next */
	WorkerWork work;
	WorkerDone done;
	void *context;
	int64_t cpu_us;
} Job;

typedef TAILQ_HEAD(JobList, Job) JobList;

struct Worker
{
	pthread_mutex_t lock; /* of all that follows, up to the blank line */
	pthread_cond_t wanted;
	JobList waiting;
	JobList working;
	JobList done;
	int waiting_count;
	int64_t turn; /* of what was begun last */
	bool is_ending;

	pthread_t threads[THREADS_MAX];
	int thread_count;
	int wake_fd;
	Watch *watch;
};

/* One after the last of the same owner that waits or is worked on, but not before the others. */
static int64_t
turn_of(const Worker *worker, const char *who)
{
	int64_t turn = worker->turn;
	const Job *job;

	TAILQ_FOREACH (job, &worker->working, entry)
		if (strcmp(job->who, who) == 0 && job->turn > turn)
			turn = job->turn;
	TAILQ_FOREACH (job, &worker->waiting, entry)
		if (strcmp(job->who, who) == 0 && job->turn > turn)
			turn = job->turn;
	return turn + 1;
}

static bool
has_room_for(const Worker *worker, const char *who)
{
	const Job *job;
	int own = 0;

	TAILQ_FOREACH (job, &worker->waiting, entry)
		own += strcmp(job->who, who) == 0;
	return worker->waiting_count < JOBS_MAX && own < JOBS_OF_ONE;
}

static Job *
job_choose(Worker *worker)
{
	Job *best = TAILQ_FIRST(&worker->waiting);
	Job *job;

	TAILQ_FOREACH (job, &worker->waiting, entry)
		if (job->turn < best->turn)
			best = job;
	worker->turn = best->turn;
	TAILQ_REMOVE(&worker->waiting, best, entry);
	worker->waiting_count--;
	TAILQ_INSERT_TAIL(&worker->working, best, entry);
	return best;
}

static int64_t
thread_cpu_us(void)
{
	struct timespec spent;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) != 0)
		return 0;
	return (int64_t) spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

static void
job_work(Worker *worker, Job *job)
{
	int64_t began_us = thread_cpu_us();
	uint64_t one = 1;

	job->work(job->context);
	job->cpu_us = thread_cpu_us() - began_us;
	(void) pthread_mutex_lock(&worker->lock);
	TAILQ_REMOVE(&worker->working, job, entry);
	TAILQ_INSERT_TAIL(&worker->done, job, entry);
	(void) pthread_mutex_unlock(&worker->lock);
	(void) !write(worker->wake_fd, &one, sizeof(one));
}

static void *
thread_run(void *context)
{
	Worker *worker = context;
	Job *job;

	do
	{
		(void) pthread_mutex_lock(&worker->lock);
		while (!worker->is_ending && TAILQ_EMPTY(&worker->waiting))
			(void) pthread_cond_wait(&worker->wanted, &worker->lock);
		job = worker->is_ending ? NULL : job_choose(worker);
		(void) pthread_mutex_unlock(&worker->lock);
		if (job != NULL)
			job_work(worker, job);
	} while (job != NULL);
	return NULL;
}

static void
job_free(Job *job)
{
	free(job->who);
	free(job);
}

static void
worker_collect(void *context, int events)
{
	Worker *worker = context;
	uint64_t count;
	JobList done = TAILQ_HEAD_INITIALIZER(done);
	Job *job;

	(void) events;
	(void) !read(worker->wake_fd, &count, sizeof(count));
	(void) pthread_mutex_lock(&worker->lock);
	TAILQ_CONCAT(&done, &worker->done, entry);
	(void) pthread_mutex_unlock(&worker->lock);
	while ((job = TAILQ_FIRST(&done)) != NULL)
	{
		TAILQ_REMOVE(&done, job, entry);
		job->done(job->context, job->cpu_us);
		job_free(job);
	}
}

static bool
worker_start(Worker *worker, int threads)
{
	sigset_t all;
	sigset_t before;

	/* signals are for the loop */
	sigfillset(&all);
	(void) pthread_sigmask(SIG_SETMASK, &all, &before);
	while (worker->thread_count < threads && worker->thread_count < THREADS_MAX &&
		   pthread_create(&worker->threads[worker->thread_count], NULL, thread_run, worker) == 0)
		worker->thread_count++;
	(void) pthread_sigmask(SIG_SETMASK, &before, NULL);
	return worker->thread_count > 0;
}

Worker *
worker_new(EventLoop *loop, int threads, Failure *failure)
{
	Worker *worker = calloc(1, sizeof(Worker));

	if (worker == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&worker->waiting);
	TAILQ_INIT(&worker->working);
	TAILQ_INIT(&worker->done);
	(void) pthread_mutex_init(&worker->lock, NULL);
	(void) pthread_cond_init(&worker->wanted, NULL);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake_fd >= 0)
		worker->watch = watch_new(loop, worker->wake_fd, WATCH_READ, worker_collect, worker);
	if (worker->watch != NULL && worker_start(worker, threads))
		return worker;
	failure_set(failure, FAILURE_SYSTEM, "could not start a thread");
	worker_free(worker);
	return NULL;
}

static void
jobs_free(JobList *jobs)
{
	Job *job;

	while ((job = TAILQ_FIRST(jobs)) != NULL)
	{
		TAILQ_REMOVE(jobs, job, entry);
		job_free(job);
	}
}

void
worker_free(Worker *worker)
{
	if (worker == NULL)
		return;
	(void) pthread_mutex_lock(&worker->lock);
	worker->is_ending = true;
	(void) pthread_cond_broadcast(&worker->wanted);
	(void) pthread_mutex_unlock(&worker->lock);
	while (worker->thread_count > 0)
		(void) pthread_join(worker->threads[--worker->thread_count], NULL);
	jobs_free(&worker->waiting);
	jobs_free(&worker->done);
	watch_free(worker->watch);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	(void) pthread_cond_destroy(&worker->wanted);
	(void) pthread_mutex_destroy(&worker->lock);
	free(worker);
}

bool
worker_give(Worker *worker, const char *who, WorkerWork work, WorkerDone done, void *context)
{
	Job *job = calloc(1, sizeof(Job));
	bool has_room;

	if (job == NULL || (job->who = strdup(who)) == NULL)
	{
		free(job);
		return false;
	}
	job->work = work;
	job->done = done;
	job->context = context;
	(void) pthread_mutex_lock(&worker->lock);
	has_room = has_room_for(worker, who);
	if (has_room)
	{
		job->turn = turn_of(worker, who);
		TAILQ_INSERT_TAIL(&worker->waiting, job, entry);
		worker->waiting_count++;
		(void) pthread_cond_signal(&worker->wanted);
	}
	(void) pthread_mutex_unlock(&worker->lock);
	if (!has_room)
		job_free(job);
	return has_room;
}

bool
worker_withdraw(Worker *worker, const void *context)
{
	Job *job;

	(void) pthread_mutex_lock(&worker->lock);
	TAILQ_FOREACH (job, &worker->waiting, entry)
		if (job->context == context)
			break;
	if (job != NULL)
	{
		TAILQ_REMOVE(&worker->waiting, job, entry);
		worker->waiting_count--;
	}
	(void) pthread_mutex_unlock(&worker->lock);
	if (job != NULL)
		job_free(job);
	return job != NULL;
}
