/*
 * jwt_claims.c
 *		typ, iss, aud, exp, nbf, iat. A claim of the wrong kind is as bad as a wrong one.
 */
#include "token/jwt_claims.h"

#include <string.h>

#define AUDIENCES_MAX 32
#define SECONDS_MAX 253402300799.0 /* the end of the year 9999 */

static bool
claim_refuse(Failure *failure, const char *text)
{
	failure_set(failure, FAILURE_INPUT, "token: %s", text);
	return false;
}

static bool
text_is(const json_t *value, const char *wanted)
{
	/* the length too: a text may not go on behind what we compare */
	return json_is_string(value) && json_string_length(value) == strlen(wanted) &&
		   strcmp(json_string_value(value), wanted) == 0;
}

/* A type that is not for access (an ID token, a logout token, …) is none that we take. */
static bool
type_is_right(const Jwt *jwt, bool must_be_access_token)
{
	const json_t *type = json_object_get(jwt->header, "typ");
	const char *name = json_string_value(type);

	if (type == NULL)
		return !must_be_access_token;
	if (name == NULL)
		return false;
	if (strncasecmp(name, "application/", 12) == 0)
		name += 12;
	return strcasecmp(name, "at+jwt") == 0 ||
		   (!must_be_access_token && strcasecmp(name, "JWT") == 0);
}

static bool
audience_is_right(const json_t *audience, const char *wanted)
{
	if (!json_is_array(audience))
		return text_is(audience, wanted);
	if (json_array_size(audience) > AUDIENCES_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(audience); i++)
		if (text_is(json_array_get(audience, i), wanted))
			return true;
	return false;
}

/* Whole seconds, or 0 when there is no such claim; false when it is no time. */
static bool
time_read(const json_t *claims, const char *name, int64_t *seconds)
{
	const json_t *value = json_object_get(claims, name);
	double number = json_number_value(value);

	*seconds = 0;
	if (value == NULL)
		return true;
	if (!json_is_number(value) || !(number >= 1.0 && number <= SECONDS_MAX))
		return false;
	*seconds = (int64_t) number;
	return true;
}

static bool
times_check(const Jwt *jwt, bool needs_iat, int64_t now, int64_t *expires, Failure *failure)
{
	int64_t issued;
	int64_t not_before;

	if (!time_read(jwt->claims, "exp", expires) || !time_read(jwt->claims, "nbf", &not_before) ||
		!time_read(jwt->claims, "iat", &issued))
		return claim_refuse(failure, "exp, nbf and iat must be seconds since 1970");
	if (*expires == 0 || (issued == 0 && needs_iat))
		return claim_refuse(failure, *expires == 0 ? "exp is missing" : "iat is missing");
	if (*expires + JWT_SKEW_SECONDS <= now)
		return claim_refuse(failure, "it has expired; get a new one");
	if (not_before > now + JWT_SKEW_SECONDS || issued > now + JWT_SKEW_SECONDS)
		return claim_refuse(failure, "it is not valid yet; check the clock");
	/* A token that lives long cannot be taken back; whoever wants one gets a new one each day. */
	if (*expires - (issued != 0 ? issued : now) > JWT_MAX_LIFETIME_SECONDS + JWT_SKEW_SECONDS)
		return claim_refuse(failure, "it is valid for longer than a day");
	return true;
}

bool
jwt_claims_check(const Jwt *jwt, const JwtRules *rules, int64_t now_ms, int64_t *expires,
				 Failure *failure)
{
	if (!type_is_right(jwt, rules->is_access_token))
		return claim_refuse(failure, "its type is not that of an access token");
	if (!text_is(json_object_get(jwt->claims, "iss"), rules->issuer))
		return claim_refuse(failure, "it is from another issuer");
	if (!audience_is_right(json_object_get(jwt->claims, "aud"), rules->audience))
		return claim_refuse(failure, "it is for another audience");
	return times_check(jwt, rules->is_access_token, now_ms / 1000, expires, failure);
}
