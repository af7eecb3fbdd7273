/*
 * api_check.c
 *		The checks of a message that need nobody's answer, in their order. Must not know whose
 *		message it is.
 */
#include "api/api_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/iso_time.h"
#include "message/message_mend.h"
#include "seal/jws.h"
#include "seal/message_decrypt.h"

/* Written anew, numbers may be longer: as much as they may be all together (json_bounds). */
#define API_CHECK_MORE (8 * 1024 * 1024)

void
api_check_begin(ApiCheck *check, size_t max_plain)
{
	buffer_init(&check->canonical, 0);
	buffer_init(&check->plain, max_plain);
	buffer_init(&check->mended, max_plain + API_CHECK_MORE);
	buffer_init(&check->odd_text, ODD_FORMS * 2 * ODD_PLACE_SIZE);
}

void
api_check_free(ApiCheck *check)
{
	json_decref(check->envelope);
	buffer_free(&check->canonical);
	free(check->sender_id);
	free(check->message_id);
	free(check->sender_uri);
	buffer_free(&check->plain);
	buffer_free(&check->mended);
	buffer_free(&check->odd_text);
	free(check->keys);
}

static void
check_fail(ApiCheck *check, ApiCheckResult result, const char *error_code, const Failure *failure)
{
	check->result = result;
	check->is_to_note = true;
	check->problem.error_code = error_code;
	snprintf(check->problem.text, sizeof(check->problem.text), "%s", failure->text);
}

/* True when the message is the partner's own, or the partner is one who need not prove it. */
static bool
signature_is_good(ApiCheck *check)
{
	Failure failure = {FAILURE_SYSTEM, ""};
	bool is_python = false;
	json_t *keys;
	bool ok;

	if (check->is_unsigned_accepted && signature_is_absent(check->envelope))
		return true;
	if (check->is_unsigned_accepted && signature_is_marker(check->envelope))
		return odd_form_note(&check->odd, ODD_SIGNATURE_MARKER, "signature", "");
	keys = json_loads(check->keys != NULL ? check->keys : "[]", 0, NULL);
	ok = keys != NULL &&
		 signature_verify(check->envelope, check->body, check->length, keys, iso_time_now(),
						  check->kid, &check->canonical, &is_python, &failure);
	json_decref(keys);
	if (ok && jws_is_one(check->envelope))
		return odd_form_note(&check->odd, ODD_SIGNATURE_JWS, "signature", "");
	if (ok)
		return !is_python || odd_form_note(&check->odd, ODD_DIGEST_PYTHON, "signature", "");
	if (failure.kind == FAILURE_SIGNATURE_MISSING || failure.kind == FAILURE_SIGNATURE_INVALID)
		check_fail(check, API_CHECK_NOT_ITS_OWN, signature_error_code(&failure), &failure);
	else
		check->result = API_CHECK_TROUBLE;
	return false;
}

/* Opens what is encrypted, when the partner may and must. */
static bool
encryption_is_good(ApiCheck *check)
{
	Failure failure;

	message_mend_flag(check->envelope, &check->odd);
	if (message_decrypt(check->envelope, check->encryption, check->ring, &check->plain, &failure))
		return true;
	if (failure.kind == FAILURE_ENCRYPTION)
		check_fail(check, API_CHECK_BAD, "err.encryption.invalid", &failure);
	else
		check->result = API_CHECK_TROUBLE;
	return false;
}

/* False when out of memory. Forms that stand around the message need no other one. */
static bool
odd_is_kept(ApiCheck *check, const json_t *plain)
{
	return !check->odd.is_any ||
		   ((!check->odd.is_inside || message_mend_write(check->envelope, plain, &check->mended)) &&
			odd_forms_write(&check->odd, &check->odd_text));
}

/* Of an answer that left it out it is known only now. */
static bool
sender_is_good(ApiCheck *check)
{
	const char *sender_id = message_sender_id(check->envelope);

	if (sender_id != NULL && strcmp(sender_id, check->holder) == 0)
		return true;
	check->problem.error_code = "err.sender_id.invalid";
	snprintf(check->problem.text, sizeof(check->problem.text),
			 "sender_id is not the party that this comes from");
	return false;
}

static bool
form_is_good(ApiCheck *check)
{
	const char *receiver_id = check->is_unsigned_accepted ? NULL : check->receiver_id;
	json_t *plain = NULL;
	bool ok = true;

	check->action = message_mend_path(check->envelope, check->action, &check->odd);
	message_mend_sides(check->envelope, check->action, check->receiver_id, check->holder,
					   &check->odd);
	if (check->plain.length > 0)
		ok = message_parse(check->plain.data, check->plain.length, &plain, &check->problem);
	if (ok)
		message_mend(check->envelope, plain, check->action, &check->odd);
	ok = ok && sender_is_good(check) &&
		 message_check(check->envelope, plain, check->action, receiver_id, &check->problem);
	if (!ok)
		check->result = API_CHECK_BAD;
	else if (!odd_is_kept(check, plain))
		check->result = API_CHECK_TROUBLE;
	json_decref(plain);
	return ok;
}

/* False when out of memory. */
static bool
text_keep(char **to, const char *text)
{
	*to = text != NULL ? strdup(text) : NULL;
	return text == NULL || *to != NULL;
}

static bool
body_is_read(ApiCheck *check)
{
	return message_parse(check->body, check->length, &check->envelope, &check->problem);
}

/* Here, since giving back what a large message is made of takes time, too. */
static void
body_forget(ApiCheck *check)
{
	json_decref(check->envelope);
	check->envelope = NULL;
}

void
api_check_body(void *context)
{
	ApiCheck *check = context;

	check->is_read = body_is_read(check);
	check->is_probe = message_is_probe(check->length, check->envelope);
	if (!text_keep(&check->sender_id, message_sender_id(check->envelope)))
	{
		check->is_read = false;
		check->problem.error_code = "err.service.unavailable";
		snprintf(check->problem.text, sizeof(check->problem.text), "out of memory");
	}
	body_forget(check);
}

void
api_check_message(void *context)
{
	ApiCheck *check = context;

	check->result = API_CHECK_GOOD;
	if (!body_is_read(check))
		check->result = API_CHECK_TROUBLE;
	else if (signature_is_good(check) && encryption_is_good(check) && form_is_good(check) &&
			 (!text_keep(&check->message_id, message_message_id(check->envelope)) ||
			  !text_keep(&check->sender_uri, message_sender_uri(check->envelope))))
		check->result = API_CHECK_TROUBLE;
	body_forget(check);
}
