/*
 * prober.c
 *		Asks addresses of lanes that rest, by HEAD: a request that carries nothing. Any answer but a
 *		proxy's "nobody there" ends the rest. Must not know what is sent, nor record attempts.
 */
#include "delivery/prober.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "database/pg_row.h"
#include "database/sql_call.h"
#include "net/tls_files.h"

#define PROBE_EVERY_MS 4000
#define PROBE_TIMEOUT_MS 5000
/* Who answers this and then fails is asked more and more seldom. */
#define PROBE_LAST_MS 3600000
#define TICK_MS 1000
#define PROBES_PER_TICK 8
#define PROBES_AT_ONCE 32
#define REST_AFTER_TROUBLE_MS 60000

typedef struct Probe
{
	SLIST_ENTRY(Probe) entry;
	Prober *prober;
	int lane;
	bool is_resting;
	bool is_busy; /* the database or the partner is being asked */
	bool is_forgotten;
	int in_vain; /* rests ended for nothing, one after another */
	int64_t next;
	AddressList networks;
} Probe;

struct Prober
{
	const LaneCommon *common;
	void (*back)(void *context);
	void *context;
	Timer *timer;
	SLIST_HEAD(ProbeList, Probe) probes;
	int busy;
	int64_t rest_until; /* after a question that the database did not understand */
};

static Probe *
probe_find(Prober *prober, int lane)
{
	Probe *probe;

	SLIST_FOREACH (probe, &prober->probes, entry)
		if (probe->lane == lane)
			return probe;
	return NULL;
}

static void
probe_free(Probe *probe)
{
	address_list_free(&probe->networks);
	free(probe);
}

/* What is under way ends by itself, and is freed then. */
static void
probe_end(Probe *probe)
{
	probe->is_busy = false;
	probe->prober->busy--;
	address_list_free(&probe->networks);
	if (probe->is_forgotten)
	{
		SLIST_REMOVE(&probe->prober->probes, probe, Probe, entry);
		probe_free(probe);
	}
}

static void
probe_again(Probe *probe)
{
	probe->next = event_loop_now() + PROBE_EVERY_MS;
	probe_end(probe);
}

static void
probe_told_back(void *context, const PGresult *result, const Failure *failure)
{
	Probe *probe = context;
	Prober *prober = probe->prober;
	bool is_back = result != NULL && pg_row_is_true(result, 0, 0);

	(void) failure;
	if (is_back)
		log_info(prober->common->parts.log, "partner_back", "lane", LOG_INT(probe->lane), NULL);
	probe->is_resting = false;
	probe->next =
		event_loop_now() + backoff_wait(PROBE_EVERY_MS, PROBE_LAST_MS, ++probe->in_vain + 1);
	probe_end(probe);
	if (is_back)
		prober->back(prober->context);
}

static bool
is_anybody(const SenderAnswer *answer)
{
	switch (answer->http_status)
	{
		case 429:
		case 502:
		case 503:
		case 504:
			return false;
		default:
			return answer->result == SENDER_ANSWERED;
	}
}

static void
probe_answered(void *context, const SenderAnswer *answer)
{
	Probe *probe = context;
	char lane[16];
	const PgParam params[] = {PG_TEXT(lane)};
	Failure failure;

	snprintf(lane, sizeof(lane), "%d", probe->lane);
	if (!is_anybody(answer) ||
		!pg_session_query(probe->prober->common->parts.session, SQL_CALL(CALL_LANE_BACK), params,
						  probe_told_back, probe, &failure))
		probe_again(probe);
}

static bool
probe_send(Probe *probe, const PGresult *target)
{
	const LaneParts *parts = &probe->prober->common->parts;
	SenderRequest request = {.url = pg_row_word(target, 0, 0),
							 .method = "HEAD",
							 .timeout_ms = PROBE_TIMEOUT_MS,
							 .networks = &probe->networks};
	SenderIdentity identity;
	TlsFiles files;
	Failure failure;

	if (!address_list_parse(pg_row_text(target, 0, 1), &probe->networks, &failure) ||
		!tls_files_find((*parts->config)->tls_directory, pg_row_text(target, 0, 2), &files,
						&failure))
		return false;
	identity = (SenderIdentity){files.certificate, files.key, files.ca};
	request.identity = &identity;
	return sender_post(parts->sender, &request, probe_answered, probe, &failure);
}

static void
probe_got_target(void *context, const PGresult *result, const Failure *failure)
{
	Probe *probe = context;
	const LaneParts *parts = &probe->prober->common->parts;

	if (result == NULL && pg_session_is_connected(parts->session))
	{
		log_warning(parts->log, "probe_target_failed", "reason", failure->text, NULL);
		probe->prober->rest_until = event_loop_now() + REST_AFTER_TROUBLE_MS;
	}
	if (result != NULL && PQntuples(result) == 0)
		probe->is_resting = false;
	if (result == NULL || PQntuples(result) == 0 || !probe_send(probe, result))
		probe_again(probe);
}

static void
probe_begin(Probe *probe)
{
	char lane[16];
	const PgParam params[] = {PG_TEXT(lane)};
	Failure failure;

	snprintf(lane, sizeof(lane), "%d", probe->lane);
	probe->is_busy = true;
	probe->prober->busy++;
	if (!pg_session_query(probe->prober->common->parts.session, SQL_CALL(CALL_PROBE_TARGET), params,
						  probe_got_target, probe, &failure))
		probe_again(probe);
}

static void
prober_tick(void *context)
{
	Prober *prober = context;
	const LaneCommon *common = prober->common;
	int64_t now = event_loop_now();
	int left = PROBES_PER_TICK;
	bool is_needed = false;
	bool may_ask = common->keys != NULL && !common->is_stopping && now >= prober->rest_until &&
				   pg_session_is_connected(common->parts.session);
	Probe *probe;

	SLIST_FOREACH (probe, &prober->probes, entry)
	{
		is_needed = is_needed || probe->is_resting;
		if (may_ask && probe->is_resting && !probe->is_busy && now >= probe->next && left > 0 &&
			prober->busy < PROBES_AT_ONCE)
		{
			left--;
			probe_begin(probe);
		}
	}
	if (is_needed)
		timer_set(prober->timer, TICK_MS);
}

void
prober_want(Prober *prober, int lane, int64_t wait_ms)
{
	Probe *probe = probe_find(prober, lane);

	if (wait_ms <= PROBE_EVERY_MS)
		return;
	if (probe == NULL)
	{
		probe = calloc(1, sizeof(Probe));
		if (probe == NULL)
			return; /* then it rests for as long as it was to */
		probe->prober = prober;
		probe->lane = lane;
		probe->next = event_loop_now() + PROBE_EVERY_MS;
		SLIST_INSERT_HEAD(&prober->probes, probe, entry);
	}
	probe->is_forgotten = false;
	probe->is_resting = true;
	timer_set_sooner(prober->timer, TICK_MS);
}

void
prober_forget(Prober *prober, int lane)
{
	Probe *probe = probe_find(prober, lane);

	if (probe == NULL)
		return;
	probe->is_forgotten = true;
	probe->is_resting = false;
	if (probe->is_busy)
		return;
	SLIST_REMOVE(&prober->probes, probe, Probe, entry);
	probe_free(probe);
}

Prober *
prober_new(const LaneCommon *common, void (*back)(void *context), void *context)
{
	Prober *prober = calloc(1, sizeof(Prober));

	if (prober == NULL)
		return NULL;
	SLIST_INIT(&prober->probes);
	prober->common = common;
	prober->back = back;
	prober->context = context;
	prober->timer = timer_new(common->parts.loop, prober_tick, prober);
	if (prober->timer != NULL)
		return prober;
	free(prober);
	return NULL;
}

void
prober_free(Prober *prober)
{
	if (prober == NULL)
		return;
	while (!SLIST_EMPTY(&prober->probes))
	{
		Probe *probe = SLIST_FIRST(&prober->probes);

		SLIST_REMOVE_HEAD(&prober->probes, entry);
		probe_free(probe);
	}
	timer_free(prober->timer);
	free(prober);
}
