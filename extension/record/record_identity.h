/*
 * record_identity.h
 *		Where a record says whom it is about: which keys and shapes are identifiers.
 *
 * Knows nothing of agreements, fields or partners.
 */
#ifndef CASESYNC_RECORD_IDENTITY_H
#define CASESYNC_RECORD_IDENTITY_H

#include "utils/jsonb.h"

/* How near a place in the record is to the subject itself. */
typedef enum SubjectPart
{
	SUBJECT_NONE,		/* somebody else's, or no identity at all */
	SUBJECT_RECORD,		/* the record itself */
	SUBJECT_MEMBER,		/* the member of a beneficiary */
	SUBJECT_GROUP,		/* the group of a beneficiary that has no member */
	SUBJECT_PERSON,		/* the demographic part */
	SUBJECT_IDENTIFIER, /* below one of the subject's own identifier keys */
} SubjectPart;

/* A key as it is compared: without a prefix such as "spdci:", not caring about case. */
extern bool record_key_is(const JsonbValue *key, const char *name);

/* True for identifier, member_identifier, group_identifier: what is below names somebody. */
extern bool record_key_is_identifier(const JsonbValue *key);

/* True when the object has a type or a value of an identifier, under whatever key it stands. */
extern bool record_is_identifier(JsonbContainer *object);

/*
 * The type and value of an identifier object. False when one of them is missing, empty, written
 * twice (in two spellings), or neither text nor number: nobody may rely on such an identifier.
 */
extern bool record_read_identifier(JsonbContainer *object, char **type, char **value);

/* Which part of the subject the value of this key is, seen from a part of the subject. */
extern SubjectPart record_subject_part(SubjectPart part, JsonbContainer *object,
									   const JsonbValue *key);

/*
 * The spelling of an identifier type in the standard's list, or the text itself when the list does
 * not know it. The result is palloc'd.
 */
extern char *record_fold_identifier_type(const char *type);

/*
 * additional_attributes may be written {"key": NAME, "value": V} (or with "name") instead of
 * {NAME: V}. Then NAME decides, and never the words "key" and "value" themselves.
 */
extern bool record_read_pair(JsonbContainer *object, JsonbValue *name, JsonbValue *value);

/* The subject's own identifiers, types folded, repeated ones too. */
typedef struct RecordIdentifier
{
	char *type;
	char *value;
	int position; /* in the record's own order */
	bool is_repeated;
} RecordIdentifier;

extern RecordIdentifier *record_subject_identifiers(JsonbContainer *record, int *count);

/* Text of a scalar string or number (palloc'd); NULL for anything else. */
extern char *record_scalar_text(const JsonbValue *value);

#endif /* CASESYNC_RECORD_IDENTITY_H */
