/*
 * sender_pool.c
 *		libcurl's multi interface driven by our event loop: sockets, time, and which transfers are
 *		done. Must not know how a transfer was set up.
 */
#include "net/sender_pool.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define IDLE_CONNECTIONS 64

/*
 * As much as libcurl may read for one answer, TLS included. Headers and body have bounds of their
 * own; this is for what is neither: the extensions of chunks have no end in libcurl.
 */
#define ANSWER_BYTES_LIMIT (512 * 1024)

struct SenderPool
{
	LIST_ENTRY(SenderPool) entry;
	EventLoop *loop;
	CURLM *multi;
	Timer *timer;
	SenderTransferList transfers;
	bool is_retired;
};

static void
pool_release(SenderPool *pool, SenderTransfer *transfer)
{
	curl_multi_remove_handle(pool->multi, transfer->curl);
	LIST_REMOVE(transfer, entry);
	sender_transfer_free(transfer);
}

static void
pool_destroy(SenderPool *pool)
{
	SenderTransfer *next;

	for (SenderTransfer *transfer = LIST_FIRST(&pool->transfers); transfer != NULL; transfer = next)
	{
		next = LIST_NEXT(transfer, entry);
		pool_release(pool, transfer);
	}
	curl_multi_cleanup(pool->multi);
	timer_free(pool->timer);
	free(pool);
}

static void
pool_free(SenderPool *pool)
{
	LIST_REMOVE(pool, entry);
	pool_destroy(pool);
}

static void
pool_finish(SenderPool *pool, SenderTransfer *transfer, CURLcode code)
{
	SenderAnswer answer;

	sender_transfer_read(transfer, code, &answer);
	curl_multi_remove_handle(pool->multi, transfer->curl);
	/* may add a transfer to this pool, or retire it; the pool itself is freed in pool_collect */
	transfer->done(transfer->context, &answer);
	pool_release(pool, transfer);
}

static void
pool_collect(SenderPool *pool)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
	{
		SenderTransfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		pool_finish(pool, transfer, code);
	}
	/* here and nowhere deeper: libcurl may still be using it further up the stack */
	if (pool->is_retired && LIST_EMPTY(&pool->transfers))
		pool_free(pool);
}

/*
 * libcurl calls this from within curl_multi_socket_action, where it must not be called again; so
 * even "now" goes over the loop's timer.
 */
static int
pool_set_timer(CURLM *multi, long after_ms, void *context)
{
	SenderPool *pool = context;

	(void) multi;
	if (after_ms < 0)
		timer_stop(pool->timer);
	else
		timer_set(pool->timer, after_ms);
	return 0;
}

static void
pool_timer(void *context)
{
	SenderPool *pool = context;
	int running;

	curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	pool_collect(pool);
}

typedef struct PoolSocket
{
	SenderPool *pool;
	Watch *watch;
	curl_socket_t fd;
	CURL *curl;			   /* whose answer it brings */
	uint64_t taken_before; /* read from it until that began */
} PoolSocket;

/* So many bytes have been read from the socket. */
static uint64_t
socket_taken(curl_socket_t fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	int waiting = 0;

	/* in this order: what comes between the two was not read, and must not make less than none */
	if (ioctl(fd, FIONREAD, &waiting) != 0 ||
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
		return 0;
	return info.tcpi_bytes_received - (uint64_t) waiting;
}

static void
pool_socket_begin(PoolSocket *watched, CURL *curl)
{
	watched->curl = curl;
	watched->taken_before = socket_taken(watched->fd);
}

static void
pool_socket_bound(PoolSocket *watched)
{
	SenderTransfer *transfer = NULL;

	if (socket_taken(watched->fd) < watched->taken_before + ANSWER_BYTES_LIMIT)
		return;
	curl_easy_getinfo(watched->curl, CURLINFO_PRIVATE, (char **) &transfer);
	/* NULL when libcurl itself is only ending the connection (it does, since 8.10) */
	if (transfer != NULL)
		sender_transfer_cut_off(transfer);
	/* libcurl sees the end, and gives the connection up */
	(void) shutdown(watched->fd, SHUT_RDWR);
}

static void
pool_socket_ready(void *context, int events)
{
	PoolSocket *watched = context;
	SenderPool *pool = watched->pool;
	int action = 0;
	int running;

	if (events & WATCH_READ)
		action |= CURL_CSELECT_IN;
	if (events & WATCH_WRITE)
		action |= CURL_CSELECT_OUT;
	pool_socket_bound(watched);
	/* this may free what context points to */
	curl_multi_socket_action(pool->multi, watched->fd, action, &running);
	pool_collect(pool);
}

static int
pool_watch_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *of_socket)
{
	SenderPool *pool = context;
	PoolSocket *watched = of_socket;
	int events = 0;

	if (what == CURL_POLL_REMOVE)
	{
		if (watched != NULL)
			watch_free(watched->watch);
		free(watched);
		curl_multi_assign(pool->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= WATCH_READ;
	if (what != CURL_POLL_IN)
		events |= WATCH_WRITE;
	if (watched != NULL)
	{
		if (watched->curl != curl)
			pool_socket_begin(watched, curl);
		return watch_change(watched->watch, events) ? 0 : -1;
	}
	watched = calloc(1, sizeof(PoolSocket));
	if (watched == NULL)
		return -1;
	watched->pool = pool;
	watched->fd = fd;
	pool_socket_begin(watched, curl);
	watched->watch = watch_new(pool->loop, fd, events, pool_socket_ready, watched);
	if (watched->watch == NULL)
	{
		free(watched);
		return -1;
	}
	curl_multi_assign(pool->multi, fd, watched);
	return 0;
}

bool
sender_pool_add(SenderPoolList *pools, SenderTransfer *transfer)
{
	SenderPool *pool = LIST_FIRST(pools);

	if (curl_multi_add_handle(pool->multi, transfer->curl) != CURLM_OK)
		return false;
	LIST_INSERT_HEAD(&pool->transfers, transfer, entry);
	return true;
}

bool
sender_pool_renew(EventLoop *loop, SenderPoolList *pools)
{
	SenderPool *pool = calloc(1, sizeof(SenderPool));
	SenderPool *old = LIST_FIRST(pools);

	if (pool == NULL)
		return false;
	pool->loop = loop;
	pool->timer = timer_new(loop, pool_timer, pool);
	pool->multi = curl_multi_init();
	if (pool->timer == NULL || pool->multi == NULL)
	{
		pool_destroy(pool);
		return false;
	}
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, pool_watch_socket);
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, pool_set_timer);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long) IDLE_CONNECTIONS);
	LIST_INSERT_HEAD(pools, pool, entry);
	if (old == NULL)
		return true;
	old->is_retired = true;
	if (LIST_EMPTY(&old->transfers))
		pool_free(old);
	return true;
}

void
sender_pool_free_all(SenderPoolList *pools)
{
	SenderPool *next;

	for (SenderPool *pool = LIST_FIRST(pools); pool != NULL; pool = next)
	{
		next = LIST_NEXT(pool, entry);
		pool_free(pool);
	}
}
