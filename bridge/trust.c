/*
 * trust.c
 *		Makes and tells the parts; must not do any of their work.
 */
#include "trust.h"

#include "net/tls_files.h"

bool
trust_set_up(Trust *trust, const JwksParts *parts)
{
	JwksParts own = *parts;
	Failure failure;

	/* not a reason to stay away from all other partners: each message to that one says it again */
	if (!tls_files_check((*parts->config)->tls_directory, &failure))
		log_error(parts->log, "tls_key_refused", "reason", failure.text, NULL);

	trust->tokens = token_client_new(parts->config, parts->sender);
	trust->bearer = bearer_new();
	if (trust->tokens == NULL || trust->bearer == NULL)
		return false;
	own.bearer = trust->bearer;
	trust->jwks = jwks_turn_new(&own);
	return trust->jwks != NULL;
}

void
trust_free(Trust *trust)
{
	token_client_free(trust->tokens);
	jwks_turn_free(trust->jwks);
	bearer_free(trust->bearer);
}

bool
trust_judge(Trust *trust, const ControlNode *node, const KeyRing *keys, bool may_act)
{
	bool is_sound = node->is_known && keys != NULL;
	Buffer jwks;
	bool ok;

	buffer_init(&jwks, KEY_RING_JWKS_MAX);
	is_sound = is_sound && key_ring_jwks(keys, &jwks);
	ok = bearer_set_own(trust->bearer, node->sender_id, is_sound ? jwks.data : NULL);
	buffer_free(&jwks);
	jwks_turn_set_open(trust->jwks, may_act);
	return ok;
}
