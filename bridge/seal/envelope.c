/*
 * envelope.c
 *		Builds what is sent: header (the union of both kinds of the standard), message (encrypted
 *		when asked), signature. The content is rendered once; what is signed is what leaves.
 */
#include <jansson.h>
#include <string.h>

#include "message/canonical_json.h"
#include "seal/envelope.h"
#include "base/iso_time.h"
#include "seal/jwe.h"
#include "seal/jws_make.h"
#include "seal/signature.h"

/* What EnvelopeFields.forms says. */
typedef enum Form
{
	FORM_PYTHON = 1,
	FORM_FULL = 2,
	FORM_DETACHED = 4,
	FORM_COMPACT = 8,
	FORM_NO_KID = 16,
	FORM_RS256 = 32
} Form;

static const struct
{
	const char *word;
	Form form;
} form_words[] = {{"digest=python", FORM_PYTHON},
				  {"header=full", FORM_FULL},
				  {"signature=jws_detached", FORM_DETACHED},
				  {"signature=jws_compact", FORM_COMPACT},
				  {"kid=none", FORM_NO_KID},
				  {"algorithm=rs256", FORM_RS256}};

static int
form_find(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(form_words) / sizeof(form_words[0]); i++)
		if (strlen(form_words[i].word) == length && strncmp(word, form_words[i].word, length) == 0)
			return form_words[i].form;
	return 0;
}

/* What says how a JWS is, is not passed over where there is none. */
static bool
forms_fit(int forms)
{
	if ((forms & (FORM_DETACHED | FORM_COMPACT)) == 0)
		return (forms & (FORM_NO_KID | FORM_RS256)) == 0;
	return (forms & FORM_DETACHED) == 0 || (forms & FORM_COMPACT) == 0;
}

static bool
forms_read(const char *words, int *forms, Failure *failure)
{
	*forms = 0;
	for (const char *word = words; word != NULL && *word != '\0';)
	{
		size_t length = strcspn(word, " ");
		int form = form_find(word, length);

		if (form == 0)
		{
			failure_set(failure, FAILURE_INPUT,
						"the partner's profile has a rule that this bridge does not know: \"%.*s\"",
						(int) length, word);
			return false;
		}
		*forms |= form;
		word += length + strspn(word + length, " ");
	}
	if (forms_fit(*forms))
		return true;
	failure_set(failure, FAILURE_INPUT, "rules of the partner's profile contradict: \"%s\"", words);
	return false;
}

/* Parse a text of ours that must be a JSON object. */
static json_t *
object_parse(const char *text, const char *name, Failure *failure)
{
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(object))
	{
		failure_set(failure, FAILURE_INPUT,
					"the %s is no JSON object, or holds a number beyond 64 bits", name);
		json_decref(object);
		return NULL;
	}
	return object;
}

/* A text that may be missing. */
static bool
header_add(json_t *header, const char *name, const char *text, Failure *failure)
{
	if (text == NULL || json_object_set_new(header, name, json_string(text)) == 0)
		return true;
	failure_set(failure, FAILURE_INPUT, "%s is not UTF-8", name);
	return false;
}

/* Add the members that are sent only when there is something to say. */
static bool
header_extend(json_t *header, const EnvelopeFields *fields, Failure *failure)
{
	json_t *meta;

	if (!header_add(header, "sender_uri", fields->sender_uri, failure) ||
		!header_add(header, "status_reason_code", fields->status_reason_code, failure) ||
		!header_add(header, "status_reason_message", fields->status_reason_message, failure))
		return false;
	if (fields->meta == NULL || fields->encrypt != NULL)
		return true;
	meta = object_parse(fields->meta, "meta", failure);
	if (meta == NULL)
		return false;
	if (json_object_set_new(header, "meta", meta) != 0)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	return true;
}

static json_t *
header_build(const EnvelopeFields *fields, int64_t now_ms, Failure *failure)
{
	char now[ISO_TIME_SIZE];
	json_t *header;

	iso_time_format(now_ms, now);
	header =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:b}", "version", "1.0.0",
				  "message_id", fields->message_id, "message_ts", now, "action", fields->action,
				  "status", fields->status, "sender_id", fields->sender_id, "receiver_id",
				  fields->receiver_id, "total_count", fields->total_count, "completed_count",
				  fields->completed_count, "is_msg_encrypted", fields->encrypt != NULL);
	if (header == NULL)
	{
		failure_set(failure, FAILURE_INPUT, "a field of the header is missing or not UTF-8");
		return NULL;
	}
	if (!header_extend(header, fields, failure))
	{
		json_decref(header);
		return NULL;
	}
	return header;
}

/* What an encrypted message hides: the message, with meta inside it. */
static bool
plain_build(const EnvelopeFields *fields, Buffer *plain, Failure *failure)
{
	json_t *message = object_parse(fields->message, "message", failure);
	json_t *meta = NULL;
	bool ok = message != NULL;

	if (ok && fields->meta != NULL)
	{
		meta = object_parse(fields->meta, "meta", failure);
		ok = meta != NULL;
		if (ok && json_object_set(message, "meta", meta) != 0)
		{
			failure_set(failure, FAILURE_MEMORY, "out of memory");
			ok = false;
		}
	}
	ok = ok && canonical_json_portable(message, plain, failure);
	json_decref(meta);
	json_decref(message);
	return ok;
}

/* The member "message": as it is, or encrypted for the partner. */
static json_t *
message_build(const EnvelopeFields *fields, size_t limit, Failure *failure)
{
	json_t *message = NULL;
	Buffer plain;

	if (fields->encrypt == NULL)
		return object_parse(fields->message, "message", failure);
	buffer_init(&plain, limit);
	if (plain_build(fields, &plain, failure))
		(void) jwe_encrypt(plain.data, plain.length, fields->encrypt, &message, failure);
	buffer_free(&plain);
	return message;
}

/* As those write and sign it who keep the header in a structure of theirs: all members, always. */
static bool
header_fill(json_t *header, int64_t now_ms)
{
	static const char *const request[] = {"sender_uri", "meta"};
	static const char *const answer[] = {"status_reason_code", "status_reason_message"};
	const char *action = json_string_value(json_object_get(header, "action"));
	bool is_answer = action != NULL && strstr(action, "on-") != NULL; /* txn-on-status */
	char now[ISO_TIME_SIZE];
	bool ok = true;

	iso_time_format_long(now_ms, now);
	ok = json_object_set_new(header, "message_ts", json_string(now)) == 0;
	for (size_t i = 0; i < 2; i++)
	{
		if (json_object_get(header, request[i]) == NULL)
			ok = ok && json_object_set_new(header, request[i], json_null()) == 0;
		if (is_answer && json_object_get(header, answer[i]) == NULL)
			ok = ok && json_object_set_new(header, answer[i], json_null()) == 0;
	}
	if (!is_answer)
	{
		(void) json_object_del(header, "status");
		(void) json_object_del(header, "completed_count");
	}
	return ok;
}

/* The header as this partner's profile has it. */
static json_t *
header_shape(const EnvelopeFields *fields, int forms, int64_t now_ms, Failure *failure)
{
	json_t *header = header_build(fields, now_ms, failure);

	if (header == NULL || (forms & FORM_FULL) == 0 || header_fill(header, now_ms))
		return header;
	failure_set(failure, FAILURE_MEMORY, "out of memory");
	json_decref(header);
	return NULL;
}

/* {"header":...,"message":...} in the form that is signed. */
static bool
content_build(const EnvelopeFields *fields, int forms, int64_t now_ms, Buffer *content,
			  Failure *failure)
{
	json_t *header = header_shape(fields, forms, now_ms, failure);
	json_t *message = header != NULL ? message_build(fields, content->ceiling, failure) : NULL;
	json_t *both = NULL;
	bool ok = false;

	if (message == NULL)
		goto done;
	both = json_pack("{s:O, s:O}", "header", header, "message", message);
	if (both == NULL)
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	else
		ok = (forms & FORM_PYTHON) != 0 ? canonical_json_ascii(both, content, failure)
										: canonical_json_portable(both, content, failure);

done:
	json_decref(both);
	json_decref(message);
	json_decref(header);
	return ok;
}

/* The content without its last brace, then the signature: member order is canonical as it is. */
static bool
body_append(const Buffer *content, const Buffer *signature, Buffer *body, Failure *failure)
{
	size_t start = body->length;
	json_t *text = json_stringn(signature->data, signature->length);

	if (text != NULL && buffer_append(body, content->data, content->length - 1) &&
		buffer_append_text(body, ",\"signature\":") && canonical_json(text, body, failure) &&
		buffer_append_char(body, '}'))
	{
		json_decref(text);
		return true;
	}
	if (buffer_is_full_for(body, content->length + 2 * signature->length + 16))
		failure_set(failure, FAILURE_LIMIT, "the message is larger than %zu bytes", body->ceiling);
	else
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	json_decref(text);
	buffer_cut(body, start);
	return false;
}

/* In the partner's form, or not at all. */
static bool
content_sign(const EnvelopeFields *fields, int forms, int64_t now_ms, const KeyRing *keys,
			 const Buffer *content, Buffer *signature, Failure *failure)
{
	const JwsForm form = {(forms & FORM_COMPACT) != 0, (forms & FORM_NO_KID) == 0};
	bool is_rsa = (forms & FORM_RS256) != 0;
	const SigningKey *key = NULL;

	if (keys != NULL)
		key = is_rsa ? key_ring_rsa(keys) : key_ring_signing(keys);
	if (key == NULL)
	{
		if (is_rsa && keys != NULL)
			failure_set(failure, FAILURE_NO_RSA_KEY,
						"the bridge has no rsa_key_file, and the partner's profile asks for RS256");
		else
			failure_set(failure, FAILURE_KEY, "there is no signing key");
		return false;
	}
	if ((forms & (FORM_DETACHED | FORM_COMPACT)) != 0)
		return jws_create(key, &form, content, signature, failure);
	return signature_create(key, fields->sender_id, content, now_ms, signature, failure);
}

bool
envelope_build(const EnvelopeFields *fields, int64_t now_ms, const KeyRing *keys, Buffer *body,
			   Failure *failure)
{
	Buffer content;
	Buffer signature;
	int forms;
	bool ok;

	buffer_init(&content, body->ceiling);
	buffer_init(&signature, JWS_ROOM(body->ceiling));
	ok = forms_read(fields->forms, &forms, failure) &&
		 content_build(fields, forms, now_ms, &content, failure) &&
		 content_sign(fields, forms, now_ms, keys, &content, &signature, failure) &&
		 body_append(&content, &signature, body, failure);
	buffer_free(&signature);
	buffer_free(&content);
	return ok;
}
