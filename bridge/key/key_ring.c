/*
 * key_ring.c
 *		All keys of this node, read together.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "key/key_ring.h"
#include "message/canonical_json.h"

struct KeyRing
{
	SigningKey *signing[2 + KEY_RING_MAX]; /* the first one signs */
	size_t signing_count;
	const SigningKey *rsa; /* one of them, or NULL: it signs, too */
	EncryptionKey *encryption[KEY_RING_MAX];
	size_t encryption_count;
};

/* Takes the next path off the list, without the blanks around it; NULL at the end. */
static char *
path_next(char **list)
{
	char *path;
	char *end;

	while ((path = strsep(list, ",")) != NULL)
	{
		path += strspn(path, " \t");
		for (end = path + strlen(path); end > path && isblank((unsigned char) end[-1]); end--)
			;
		*end = '\0';
		if (*path != '\0')
			break;
	}
	return path;
}

static bool
ring_refuse(const char *path, const char *why, Failure *failure)
{
	failure_set(failure, FAILURE_KEY, "key file \"%s\" %s", path, why);
	return false;
}

static bool
signing_is_there(const KeyRing *ring, const char *kid)
{
	size_t i;

	for (i = 0; i < ring->signing_count; i++)
		if (strcmp(signing_key_kid(ring->signing[i]), kid) == 0)
			return true;
	return false;
}

/* Those that sign have their private halves. */
static bool
own_add(KeyRing *ring, const KeyFiles *files, Failure *failure)
{
	if (!signing_key_load(files->key_file, &ring->signing[0], failure))
		return false;
	ring->signing_count = 1;
	if (files->rsa_key_file[0] == '\0')
		return true;
	if (!signing_key_load_rsa(files->rsa_key_file, &ring->signing[1], failure))
		return false;
	ring->rsa = ring->signing[ring->signing_count++];
	return true;
}

static bool
other_add(KeyRing *ring, const char *path, Failure *failure)
{
	size_t own = ring->rsa != NULL ? 2 : 1;
	SigningKey *key;

	if (ring->signing_count == own + KEY_RING_MAX)
		return ring_refuse(path, "is one too many: other_key_files takes 16", failure);
	if (!signing_key_load_other(path, &key, failure))
		return false;
	if (signing_is_there(ring, signing_key_kid(key)))
	{
		signing_key_free(key); /* listed twice: that is one key */
		return true;
	}
	ring->signing[ring->signing_count++] = key;
	return true;
}

static bool
encryption_add(KeyRing *ring, const char *path, Failure *failure)
{
	EncryptionKey *key;

	if (ring->encryption_count == KEY_RING_MAX)
		return ring_refuse(path, "is one too many: encryption_key_files takes 16", failure);
	if (!encryption_key_load(path, &key, failure))
		return false;
	if (signing_is_there(ring, encryption_key_kid(key)))
	{
		encryption_key_free(key);
		return ring_refuse(path, "is among the keys that sign, too: a key is for one of both",
						   failure);
	}
	if (key_ring_find_encryption(ring, encryption_key_kid(key)) != NULL)
	{
		encryption_key_free(key); /* listed twice: that is one key */
		return true;
	}
	ring->encryption[ring->encryption_count++] = key;
	return true;
}

static bool
list_add(KeyRing *ring, const char *list, bool (*add)(KeyRing *, const char *, Failure *),
		 Failure *failure)
{
	char *copy = strdup(list);
	char *rest = copy;
	char *path;
	bool ok = copy != NULL;

	if (copy == NULL)
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	while (ok && (path = path_next(&rest)) != NULL)
		ok = add(ring, path, failure);
	free(copy);
	return ok;
}

bool
key_ring_load(const KeyFiles *files, KeyRing **ring, Failure *failure)
{
	KeyRing *loaded = calloc(1, sizeof(*loaded));

	*ring = NULL;
	if (loaded == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	if (!own_add(loaded, files, failure) ||
		!list_add(loaded, files->other_key_files, other_add, failure) ||
		!list_add(loaded, files->encryption_key_files, encryption_add, failure))
	{
		key_ring_free(loaded);
		return false;
	}
	failure_clear(failure);
	*ring = loaded;
	return true;
}

void
key_ring_free(KeyRing *ring)
{
	if (ring == NULL)
		return;
	while (ring->signing_count > 0)
		signing_key_free(ring->signing[--ring->signing_count]);
	while (ring->encryption_count > 0)
		encryption_key_free(ring->encryption[--ring->encryption_count]);
	free(ring);
}

const SigningKey *
key_ring_signing(const KeyRing *ring)
{
	return ring->signing[0];
}

const SigningKey *
key_ring_rsa(const KeyRing *ring)
{
	return ring->rsa;
}

const EncryptionKey *
key_ring_find_encryption(const KeyRing *ring, const char *kid)
{
	size_t i;

	for (i = 0; i < ring->encryption_count; i++)
		if (strcmp(encryption_key_kid(ring->encryption[i]), kid) == 0)
			return ring->encryption[i];
	return NULL;
}

const char *
key_ring_jwk(const KeyRing *ring, size_t number)
{
	if (number < ring->signing_count)
		return signing_key_jwk(ring->signing[number]);
	number -= ring->signing_count;
	return number < ring->encryption_count ? encryption_key_jwk(ring->encryption[number]) : NULL;
}

bool
key_ring_jwks(const KeyRing *ring, Buffer *text)
{
	/* half a key set would be a key set without the other keys: all or nothing */
	size_t start = text->length;
	bool ok = buffer_append_text(text, "{\"keys\":[");
	const char *jwk;
	size_t i;

	for (i = 0; ok && (jwk = key_ring_jwk(ring, i)) != NULL; i++)
		ok = (i == 0 || buffer_append_char(text, ',')) && buffer_append_text(text, jwk);
	ok = ok && buffer_append_text(text, "]}");
	if (!ok)
		buffer_cut(text, start);
	return ok;
}

/* False when the sender_id is no UTF-8, or there is no room. */
static bool
named_jwk_append(const SigningKey *key, const char *sender_id, Buffer *text)
{
	json_t *jwk = json_loads(signing_key_jwk(key), 0, NULL);
	bool ok =
		jwk != NULL &&
		json_object_set_new(jwk, "kid",
							json_sprintf("%s|%s|ed25519", sender_id, signing_key_kid(key))) == 0 &&
		canonical_json(jwk, text, NULL);

	json_decref(jwk);
	return ok;
}

bool
key_ring_jwks_named(const KeyRing *ring, const char *sender_id, Buffer *text)
{
	size_t start = text->length;
	bool ok = buffer_append_text(text, "{\"keys\":[");

	/* the first is of Ed25519 */
	for (size_t i = 0; ok && i < ring->signing_count; i++)
		if (strcmp(signing_key_alg(ring->signing[i]), "EdDSA") == 0)
			ok = (i == 0 || buffer_append_char(text, ',')) &&
				 named_jwk_append(ring->signing[i], sender_id, text);
	ok = ok && buffer_append_text(text, "]}");
	if (!ok)
		buffer_cut(text, start);
	return ok;
}
