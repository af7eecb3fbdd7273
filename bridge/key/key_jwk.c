/*
 * key_jwk.c
 *		Public keys into JSON Web Keys and back, by the crypto library's own key objects.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/base64.h"
#include "message/canonical_json.h"
#include "key/key_jwk.h"

#define NUMBER_BYTES_MAX (KEY_RSA_BITS_MAX / 8)
#define NUMBER_TEXT_SIZE BASE64_SIZE(NUMBER_BYTES_MAX)
#define JWK_MAX (2 * NUMBER_TEXT_SIZE)

#define UNCOMPRESSED_POINT 4
#define ED25519_BYTES 32
#define KNOWN_KEYS 64

typedef struct Curve
{
	const char *name;  /* in a JWK */
	const char *group; /* in the crypto library */
	size_t bytes;	   /* of a coordinate */
} Curve;

static const Curve curves[] = {
	{"P-256", SN_X9_62_prime256v1, 32}, {"P-384", SN_secp384r1, 48}, {"P-521", SN_secp521r1, 66}};

static const Curve *
curve_of_key(const EVP_PKEY *key)
{
	char group[64];
	size_t length;
	size_t i;

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
		EVP_PKEY_get_group_name(key, group, sizeof(group), &length) != 1)
		return NULL;
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(group, curves[i].group) == 0)
			return &curves[i];
	return NULL;
}

const char *
key_jwk_curve(const EVP_PKEY *key)
{
	const Curve *curve = curve_of_key(key);

	return curve != NULL ? curve->name : NULL;
}

/* A number of the key as base64url, padded on the left to so many bytes (0: as many as it has). */
static bool
number_write(const EVP_PKEY *key, const char *name, size_t bytes, char text[NUMBER_TEXT_SIZE])
{
	unsigned char padded[NUMBER_BYTES_MAX];
	BIGNUM *number = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, name, &number) == 1;

	if (ok && bytes == 0)
		bytes = (size_t) BN_num_bytes(number);
	ok = ok && bytes > 0 && bytes <= sizeof(padded) &&
		 BN_bn2binpad(number, padded, (int) bytes) == (int) bytes;
	if (ok)
		base64url_encode(padded, bytes, text);
	BN_free(number);
	return ok;
}

static json_t *
ed25519_public(const EVP_PKEY *key)
{
	unsigned char point[ED25519_BYTES];
	size_t length = sizeof(point);
	char x[BASE64_SIZE(ED25519_BYTES)];

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519 ||
		EVP_PKEY_get_raw_public_key(key, point, &length) != 1 || length != sizeof(point))
		return NULL;
	base64url_encode(point, sizeof(point), x);
	return json_pack("{s:s, s:s, s:s}", "crv", "Ed25519", "kty", "OKP", "x", x);
}

json_t *
key_jwk_public(const EVP_PKEY *key)
{
	const Curve *curve = curve_of_key(key);
	char first[NUMBER_TEXT_SIZE];
	char second[NUMBER_TEXT_SIZE];

	if (curve != NULL && number_write(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->bytes, first) &&
		number_write(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->bytes, second))
		return json_pack("{s:s, s:s, s:s, s:s}", "crv", curve->name, "kty", "EC", "x", first, "y",
						 second);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
		number_write(key, OSSL_PKEY_PARAM_RSA_E, 0, first) &&
		number_write(key, OSSL_PKEY_PARAM_RSA_N, 0, second))
		return json_pack("{s:s, s:s, s:s}", "e", first, "kty", "RSA", "n", second);
	return ed25519_public(key);
}

/* RFC 7638: SHA-256 over the required members, sorted, without blanks. */
static bool
thumbprint_write(const json_t *required, char kid[KEY_THUMBPRINT_SIZE])
{
	unsigned char digest[32];
	char encoded[BASE64_SIZE(32)]; /* with the padding, which is cut off */
	Buffer text;
	bool ok;

	buffer_init(&text, JWK_MAX);
	ok = canonical_json(required, &text, NULL) &&
		 EVP_Digest(text.data, text.length, digest, NULL, EVP_sha256(), NULL) == 1;
	if (ok)
	{
		base64url_encode(digest, sizeof(digest), encoded);
		memcpy(kid, encoded, KEY_THUMBPRINT_SIZE);
	}
	buffer_free(&text);
	return ok;
}

bool
key_jwk_describe(const EVP_PKEY *key, const char *alg, const char *use,
				 char kid[KEY_THUMBPRINT_SIZE], Buffer *jwk, Failure *failure)
{
	json_t *members = key_jwk_public(key);
	bool ok = members != NULL && thumbprint_write(members, kid) &&
			  json_object_set_new(members, "alg", json_string(alg)) == 0 &&
			  json_object_set_new(members, "use", json_string(use)) == 0 &&
			  json_object_set_new(members, "kid", json_string(kid)) == 0 &&
			  canonical_json(members, jwk, NULL);

	json_decref(members);
	if (!ok)
	{
		ERR_clear_error();
		failure_set(failure, FAILURE_KEY, "the crypto library could not describe the key");
	}
	return ok;
}

static EVP_PKEY *
jwk_refuse(Failure *failure, const char *why)
{
	ERR_clear_error();
	failure_set(failure, FAILURE_INPUT, "the JWK %s", why);
	return NULL;
}

/* The bytes of a base64url member; 0 when it is absent, malformed or longer than limit. */
static size_t
member_decode(const json_t *jwk, const char *name, unsigned char *bytes, size_t limit)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	/* base64_decode wants to know the length: so many bytes have so many characters, unpadded */
	size_t size = text != NULL ? strlen(text) / 4 * 3 + strlen(text) % 4 * 3 / 4 : 0;

	if (size == 0 || size > limit || !base64_decode(text, strlen(text), bytes, size))
		return 0;
	return size;
}

static EVP_PKEY *
key_make(const char *type, OSSL_PARAM_BLD *builder)
{
	/* fromdata itself refuses a point that is not on its curve */
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	return key;
}

/* Is it a point of the curve, a number with the right factors' form? */
static bool
key_is_sound(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = context != NULL && EVP_PKEY_public_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	return ok;
}

/*
 * Looking at a modulus takes up to 150 ms, and a partner's key is read for every message to it:
 * those found sound are remembered by their thumbprints. Of one thread: nothing is locked.
 */
static bool
rsa_is_sound(EVP_PKEY *key)
{
	static _Thread_local char known[KNOWN_KEYS][KEY_THUMBPRINT_SIZE];
	static _Thread_local unsigned int next;
	char kid[KEY_THUMBPRINT_SIZE];
	json_t *members = key_jwk_public(key);
	bool has_kid = members != NULL && thumbprint_write(members, kid);
	bool is_sound = false;

	json_decref(members);
	for (unsigned int i = 0; has_kid && !is_sound && i < KNOWN_KEYS; i++)
		is_sound = strcmp(known[i], kid) == 0;
	if (is_sound)
		return true;
	is_sound = has_kid && key_is_sound(key);
	if (is_sound)
		memcpy(known[next++ % KNOWN_KEYS], kid, sizeof(kid));
	return is_sound;
}

static EVP_PKEY *
ec_read(const json_t *jwk, Failure *failure)
{
	const char *name = json_string_value(json_object_get(jwk, "crv"));
	const Curve *curve = NULL;
	unsigned char point[1 + 2 * 66] = {UNCOMPRESSED_POINT};
	OSSL_PARAM_BLD *builder;
	EVP_PKEY *key = NULL;
	size_t i;

	for (i = 0; name != NULL && i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(name, curves[i].name) == 0)
			curve = &curves[i];
	if (curve == NULL)
		return jwk_refuse(failure, "is of no curve that is taken: P-256, P-384, P-521");
	if (member_decode(jwk, "x", point + 1, curve->bytes) != curve->bytes ||
		member_decode(jwk, "y", point + 1 + curve->bytes, curve->bytes) != curve->bytes)
		return jwk_refuse(failure, "has no x or y of the length of its curve");
	builder = OSSL_PARAM_BLD_new();
	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) ==
			1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
										 1 + 2 * curve->bytes) == 1)
		key = key_make("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static EVP_PKEY *
rsa_read(const json_t *jwk, Failure *failure)
{
	unsigned char modulus[NUMBER_BYTES_MAX];
	unsigned char exponent[8];
	size_t modulus_length = member_decode(jwk, "n", modulus, sizeof(modulus));
	size_t exponent_length = member_decode(jwk, "e", exponent, sizeof(exponent));
	BIGNUM *n = BN_bin2bn(modulus, (int) modulus_length, NULL);
	BIGNUM *e = BN_bin2bn(exponent, (int) exponent_length, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	/* the largest size is that of the buffer */
	if (n == NULL || BN_num_bits(n) < KEY_RSA_BITS_MIN || e == NULL || BN_num_bits(e) < 2 ||
		!BN_is_odd(e))
		jwk_refuse(failure, "is no RSA key of 2048 to 8192 bits");
	else if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
			 OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_make("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(e);
	BN_free(n);
	return key;
}

/*
 * With a point of small order as a key a signature is made without any secret, by anybody, for any
 * message. The bytes from p-1 on are refused too: p-1 is such a point, the others are none, or
 * another's. The highest bit is only a sign.
 */
static bool
ed25519_is_sound(const unsigned char point[ED25519_BYTES])
{
	static const unsigned char small[][ED25519_BYTES] = {
		{0},
		{1},
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
		 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
		 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
		 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
		 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	unsigned char y[ED25519_BYTES];
	size_t ones = 1;

	memcpy(y, point, sizeof(y));
	y[ED25519_BYTES - 1] &= 0x7f;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (memcmp(y, small[i], sizeof(y)) == 0)
			return false;
	while (ones < ED25519_BYTES - 1 && y[ones] == 0xff)
		ones++;
	return y[0] < 0xec || ones < ED25519_BYTES - 1 || y[ED25519_BYTES - 1] != 0x7f;
}

static EVP_PKEY *
ed25519_read(const json_t *jwk, Failure *failure)
{
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	const char *x = json_string_value(json_object_get(jwk, "x"));
	unsigned char point[ED25519_BYTES];

	/* not member_decode: keys registered with padding have always been taken */
	if (curve == NULL || strcmp(curve, "Ed25519") != 0 || x == NULL ||
		!base64_decode(x, strlen(x), point, sizeof(point)))
		return jwk_refuse(failure, "is no Ed25519 key");
	if (!ed25519_is_sound(point))
		return jwk_refuse(failure, "is an Ed25519 key of small order, which anybody can sign for");
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, sizeof(point));
}

static bool
type_is(const json_t *jwk, const char *wanted)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));

	return type != NULL && strcmp(type, wanted) == 0;
}

/* Without a proof that it is sound, but a point is one of its curve. */
static EVP_PKEY *
ec_or_rsa_read(const json_t *jwk, Failure *failure)
{
	jwk_refuse(failure, "is no sound public key");
	if (type_is(jwk, "EC"))
		return ec_read(jwk, failure);
	if (type_is(jwk, "RSA"))
		return rsa_read(jwk, failure);
	return jwk_refuse(failure, "is neither of type EC nor of type RSA");
}

EVP_PKEY *
key_jwk_read(const json_t *jwk, Failure *failure)
{
	EVP_PKEY *key = ec_or_rsa_read(jwk, failure);

	if (key != NULL && (type_is(jwk, "RSA") ? rsa_is_sound(key) : key_is_sound(key)))
	{
		failure_clear(failure);
		return key;
	}
	ERR_clear_error();
	EVP_PKEY_free(key);
	return NULL;
}

EVP_PKEY *
key_jwk_read_signer(const json_t *jwk, Failure *failure)
{
	EVP_PKEY *key = type_is(jwk, "OKP") ? ed25519_read(jwk, failure) : ec_or_rsa_read(jwk, failure);

	if (key != NULL)
		failure_clear(failure);
	ERR_clear_error();
	return key;
}
