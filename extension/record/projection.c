/*
 * projection.c
 *		Keep of a record only what an agreement lets leave.
 *
 * Whatever is not named is withheld: a mistake here must lose a fact, never show one.
 * Must not know which agreement it works for, nor who the partner is.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "base/pg_compat.h"
#include "record/record_identity.h"

PG_FUNCTION_INFO_V1(casesync_project);
PG_FUNCTION_INFO_V1(casesync_is_field_path);

/* The agreed paths as a tree; a node that keeps everything needs no children. */
typedef struct FieldNode
{
	const char *name;
	int length;
	bool keeps_everything;
	struct FieldNode *children;
	struct FieldNode *next;
} FieldNode;

typedef struct Projection
{
	int type_count;
	char **types;
} Projection;

/* Where the walk is: what the agreement says of this place, and whose it is. */
typedef struct Place
{
	const FieldNode *node; /* NULL: nothing is agreed here */
	SubjectPart part;
	bool is_below_identifier;
	bool is_attribute; /* an element of additional_attributes */
} Place;

static bool keep_value(const Projection *projection, Place place, const JsonbValue *value,
					   JsonbValue *kept);

/* Exactly as written: a name in another case is another member, and not agreed. */
static FieldNode *
find_child(const FieldNode *node, const char *name, int length)
{
	FieldNode *child;

	for (child = node->children; child != NULL; child = child->next)
	{
		if (child->length == length && memcmp(child->name, name, length) == 0)
			return child;
	}
	return NULL;
}

/*
 * No wildcard: with one, an attribute that is added to the view later would leave without anybody
 * having agreed to it.
 */
static bool
path_is_valid(const char *path)
{
	const char *at;
	const char *name = path;

	if (*path == '\0')
		return false;
	for (at = path;; at++)
	{
		if ((unsigned char) *at < ' ' && *at != '\0')
			return false;
		if (*at != '.' && *at != '\0')
			continue;
		if (at == name || (at == name + 1 && *name == '*'))
			return false;
		if (*at == '\0')
			return true;
		name = at + 1;
	}
}

static void
add_path(FieldNode *root, const char *path)
{
	FieldNode *node = root;
	const char *name = path;

	if (!path_is_valid(path))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid field path \"%s\"", path),
						errdetail("A path is names joined by dots, without wildcards."),
						errhint("Try SELECT casesync.is_field_path('member.employment_status');")));
	for (;;)
	{
		int length = strcspn(name, ".");
		FieldNode *child = find_child(node, name, length);

		if (child == NULL)
		{
			child = palloc0(sizeof(FieldNode));
			child->name = name;
			child->length = length;
			child->next = node->children;
			node->children = child;
		}
		node = child;
		if (name[length] == '\0')
			break;
		name += length + 1;
	}
	node->keeps_everything = true;
}

/*
 * The texts of an array, NULL elements left out; a NULL array has none. So a missing list means
 * that nothing is agreed, never that everything is.
 */
static char **
read_texts(FunctionCallInfo fcinfo, int argument, int *count)
{
	Datum *elements;
	bool *nulls;
	int length;
	char **texts;
	int i;

	*count = 0;
	if (PG_ARGISNULL(argument))
		return NULL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &length);
	texts = palloc(sizeof(char *) * Max(length, 1));
	for (i = 0; i < length; i++)
	{
		if (!nulls[i])
			texts[(*count)++] = TextDatumGetCString(elements[i]);
	}
	return texts;
}

/*
 * In the spelling of the list or of the record: both name the same type, and an agreement may have
 * been written with either.
 */
static bool
type_is_agreed(const Projection *projection, const char *type)
{
	const char *folded = record_fold_identifier_type(type);
	int i;

	for (i = 0; i < projection->type_count; i++)
	{
		if (pg_strcasecmp(projection->types[i], folded) == 0 ||
			pg_strcasecmp(projection->types[i], type) == 0)
			return true;
	}
	return false;
}

/*
 * What is agreed about a member of an object whose own place is known. All of a part is agreed when
 * the part is: the node goes down with the walk.
 */
static const FieldNode *
node_below(const FieldNode *node, const JsonbValue *key)
{
	if (node == NULL || node->keeps_everything)
		return node;
	return find_child(node, key->val.string.val, key->val.string.len);
}

static bool
key_equals(const JsonbValue *key, const char *name)
{
	return key->val.string.len == strlen(name) &&
		   memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

static void
append_pair(JsonbValue *object, const JsonbValue *key, const JsonbValue *value)
{
	JsonbPair *pair = &object->val.object.pairs[object->val.object.nPairs];

	pair->key = *key;
	pair->value = *value;
	pair->order = object->val.object.nPairs++;
}

/* An object with room for all members of the one it is made from, in the same (sorted) order. */
static void
start_object(JsonbValue *object, JsonbContainer *from)
{
	object->type = jbvObject;
	object->val.object.nPairs = 0;
	object->val.object.pairs = palloc(sizeof(JsonbPair) * Max(JsonContainerSize(from), 1));
}

/*
 * An identifier leaves whole or not at all, and only with an agreed type. Only its scalars do: a
 * value that is an object could hide another identifier.
 */
static bool
keep_identifier(const Projection *projection, Place place, JsonbContainer *object, JsonbValue *kept)
{
	bool is_subject = place.part == SUBJECT_IDENTIFIER;
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue member;
	char *type;
	char *value;
	int facts = 0;

	if (place.node == NULL && !is_subject)
		return false;
	if (!record_read_identifier(object, &type, &value) || !type_is_agreed(projection, type))
		return false;
	start_object(kept, object);
	iterator = JsonbIteratorInit(object);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		const FieldNode *node = node_below(place.node, &key);
		bool is_type = key_equals(&key, "@type");
		bool is_part =
			record_key_is(&key, "identifier_type") || record_key_is(&key, "identifier_value");

		JsonbIteratorNext(&iterator, &member, true);
		if (member.type == jbvBinary || record_key_is(&key, "@id"))
			continue;
		if (is_type || (is_part && is_subject) || (node != NULL && node->keeps_everything))
		{
			append_pair(kept, &key, &member);
			facts += is_type ? 0 : 1;
		}
	}
	return facts > 0;
}

/*
 * Pairs are agreed by the name in them, not by their place in the list, which is chance. Other
 * members of a pair could say anything, and go.
 */
static bool
keep_pair(const Projection *projection, Place place, JsonbContainer *object, const JsonbValue *name,
		  const JsonbValue *value, JsonbValue *kept)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbValue member;
	JsonbValue kept_value;

	place.node = find_child(place.node, name->val.string.val, name->val.string.len);
	place.is_attribute = false;
	place.is_below_identifier |= record_key_is_identifier(name);
	if (place.node == NULL || !keep_value(projection, place, value, &kept_value))
		return false;
	start_object(kept, object);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &member, true);
		if (key_equals(&key, "value"))
			append_pair(kept, &key, &kept_value);
		else if (member.type == jbvString &&
				 (key_equals(&key, "key") || key_equals(&key, "@type") ||
				  (key_equals(&key, "name") && member.val.string.len == name->val.string.len &&
				   memcmp(member.val.string.val, name->val.string.val, member.val.string.len) ==
					   0)))
			append_pair(kept, &key, &member);
	}
	return true;
}

/*
 * Once below an identifier, always: whatever is nested in one is about it, and leaves only with its
 * type.
 */
static Place
place_below(Place place, JsonbContainer *object, const JsonbValue *key)
{
	Place below;

	below.node = node_below(place.node, key);
	below.part = record_subject_part(place.part, object, key);
	below.is_below_identifier = place.is_below_identifier || record_key_is_identifier(key);
	below.is_attribute = key_equals(key, "additional_attributes");
	return below;
}

/* An object remains when anything but its @type does. Its @id may name the person: never kept. */
static bool
keep_object(const Projection *projection, Place place, JsonbContainer *object, JsonbValue *kept)
{
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue member;
	JsonbValue kept_member;
	int facts = 0;

	start_object(kept, object);
	iterator = JsonbIteratorInit(object);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		Place below;

		JsonbIteratorNext(&iterator, &member, true);
		if (key_equals(&key, "@type"))
		{
			if (member.type == jbvString)
				append_pair(kept, &key, &member);
			continue;
		}
		if (record_key_is(&key, "@id"))
			continue;
		below = place_below(place, object, &key);
		if ((below.node != NULL || below.part != SUBJECT_NONE) &&
			keep_value(projection, below, &member, &kept_member))
		{
			append_pair(kept, &key, &kept_member);
			facts++;
		}
	}
	return facts > 0;
}

/*
 * An element that says nothing any more is left out; so the places of others in the list say
 * nothing of how many were withheld.
 */
static bool
keep_list(const Projection *projection, Place place, JsonbContainer *list, JsonbValue *kept)
{
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;

	kept->type = jbvArray;
	kept->val.array.rawScalar = false;
	kept->val.array.nElems = 0;
	kept->val.array.elems = palloc(sizeof(JsonbValue) * Max(JsonContainerSize(list), 1));
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (keep_value(projection, place, &element, &kept->val.array.elems[kept->val.array.nElems]))
			kept->val.array.nElems++;
	}
	return kept->val.array.nElems > 0;
}

/*
 * Identifiers are recognised before fields are asked: a field that is agreed does not take out an
 * identifier whose type is not. A bare value under such a key has no type, and never leaves.
 */
static bool
keep_value(const Projection *projection, Place place, const JsonbValue *value, JsonbValue *kept)
{
	JsonbContainer *container;
	JsonbValue pair_name;
	JsonbValue pair_value;

	check_stack_depth();
	if (value->type != jbvBinary)
	{
		*kept = *value;
		return place.node != NULL && place.node->keeps_everything && !place.is_below_identifier;
	}
	container = value->val.binary.data;
	if (JsonContainerIsArray(container))
		return keep_list(projection, place, container, kept);
	if (record_is_identifier(container))
		return keep_identifier(projection, place, container, kept);
	if (place.is_below_identifier)
		return false;
	if (place.is_attribute && place.node != NULL && !place.node->keeps_everything &&
		record_read_pair(container, &pair_name, &pair_value))
		return keep_pair(projection, place, container, &pair_name, &pair_value, kept);
	place.is_attribute = false;
	return keep_object(projection, place, container, kept);
}

/* project(record jsonb, fields text[], identifier_types text[]) → jsonb; NULL: nothing remains */
Datum
casesync_project(PG_FUNCTION_ARGS)
{
	FieldNode root = {0};
	Projection projection = {0};
	Place place = {&root, SUBJECT_RECORD, false, false};
	JsonbValue value;
	JsonbValue kept;
	Jsonb *record;
	char **paths;
	int path_count;
	int i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	record = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_OBJECT(record))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a record must be a JSON object"),
				 errhint("Build it with casesync.member(), person(), group_record() or "
						 "beneficiary().")));
	paths = read_texts(fcinfo, 1, &path_count);
	for (i = 0; i < path_count; i++)
		add_path(&root, paths[i]);
	projection.types = read_texts(fcinfo, 2, &projection.type_count);
	value.type = jbvBinary;
	value.val.binary.data = &record->root;
	value.val.binary.len = VARSIZE(record) - VARHDRSZ;
	if (!keep_value(&projection, place, &value, &kept))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&kept));
}

Datum
casesync_is_field_path(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(path_is_valid(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
