/*
 * filter_comparison.c
 *		Reads one comparison of a filter: name, operator, value; and the shape of one identifier.
 *
 * Must not know the shapes around a comparison, nor what it is compared with.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "code/code_directory.h"
#include "record/data_object.h"
#include "filter/filter_parse.h"
#include "base/pg_compat.h"
#include "record/record_identity.h"

#define PATH_PARTS_MAX 16
#define NAME_SHOWN_MAX 64
#define IDENTIFIER_TYPE_LENGTH_MAX 255

/* What an operator's word stands for. */
typedef struct Operation
{
	const char *word;
	FilterKind kind;
	bool is_negated;
	bool takes_list;
} Operation;

static const Operation operations[] = {
	{"eq", FILTER_EQ, false, false},  {"ne", FILTER_EQ, true, false},
	{"neq", FILTER_EQ, true, false},  {"lt", FILTER_LT, false, false},
	{"le", FILTER_LE, false, false},  {"lte", FILTER_LE, false, false},
	{"gt", FILTER_GT, false, false},  {"ge", FILTER_GE, false, false},
	{"gte", FILTER_GE, false, false}, {"in", FILTER_EQ, false, true},
};

/* The first problem is the one that is told: what follows it may only follow from it. */
FilterNode *
filter_refuse(FilterParser *parser, const char *format, ...)
{
	char buffer[500];
	va_list arguments;

	if (parser->problem != NULL)
		return NULL;
	va_start(arguments, format);
	vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	parser->problem = pstrdup(buffer);
	return NULL;
}

/*
 * Bounded, because each condition is evaluated for each record of a search, and at each event for a
 * subscription.
 */
bool
filter_count_node(FilterParser *parser)
{
	if (++parser->node_count <= FILTER_NODES_MAX)
		return true;
	filter_refuse(parser, "the filter has more than %d conditions", FILTER_NODES_MAX);
	return false;
}

/* A member that is null is one that is not there: peers send what they do not use as null. */
bool
filter_member(JsonbContainer *object, const char *name, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object, name, strlen(name), value) != NULL &&
		   value->type != jbvNull;
}

bool
filter_is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

bool
filter_is_list(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

/* Prefixes as in JSON-LD are dropped wherever names stand (A17, B24). */
char *
filter_plain_text(const JsonbValue *value)
{
	char *written = pnstrdup(value->val.string.val, value->val.string.len);
	char *colon = strrchr(written, ':');

	return colon == NULL ? written : colon + 1;
}

/* A name as it is shown to the partner: only what looks like one, so that no value gets there. */
static const char *
shown_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
								 "_.:@-");

	if (name[0] == '\0' || name[length] != '\0' || length > NAME_SHOWN_MAX)
		return "(unreadable)";
	return name;
}

/* With and without $, le or lte (B14). */
static const Operation *
operation_find(const char *word)
{
	int i;

	if (word[0] == '$')
		word++;
	for (i = 0; i < lengthof(operations); i++)
	{
		if (pg_strcasecmp(operations[i].word, word) == 0)
			return &operations[i];
	}
	return NULL;
}

/* Names joined by dots; a prefix before the whole does not count. */
static char *
read_path(FilterParser *parser, const char *written)
{
	const char *colon = strrchr(written, ':');
	const char *path = colon == NULL ? written : colon + 1;
	const char *at;
	int parts = 1;

	for (at = path; *at != '\0'; at++)
	{
		if (*at == '.')
		{
			if (at == path || at[1] == '.' || at[1] == '\0')
				break;
			parts++;
		}
		if ((unsigned char) *at < ' ')
			break;
	}
	if (path[0] != '\0' && *at == '\0' && parts <= PATH_PARTS_MAX &&
		strlen(path) <= FILTER_NAME_LENGTH_MAX)
		return pstrdup(path);
	filter_refuse(parser,
				  "attribute \"%s\" is not a name or names joined by dots, at most %d of them and "
				  "%d bytes in all",
				  shown_name(written), PATH_PARTS_MAX, FILTER_NAME_LENGTH_MAX);
	return NULL;
}

/* Written as types of identifiers are: UIN, BIRTH_REG_NO; no attribute of a record is. */
static bool
is_identifier_type(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return name[0] >= 'A' && name[0] <= 'Z' && name[length] == '\0' && length > 1;
}

/* A standard type in another case, as uin, unless an attribute has that name. */
static bool
is_known_type(const char *name)
{
	const CodeDirectory *directory = code_directory_by_name("identifier_type");
	char buffer[CODE_TEXT_SIZE];
	int16 number;

	return code_find(directory, name, strlen(name), &number) &&
		   pg_strcasecmp(code_text(directory, number, buffer), name) == 0 &&
		   data_object_any_attribute(name, strlen(name)) == NULL;
}

/*
 * A name of an attribute and one of an identifier type are told apart by how they are written: the
 * standard has one place for both.
 */
static bool
set_name(FilterParser *parser, FilterNode *node, const char *written)
{
	char *path = read_path(parser, written);

	if (path == NULL)
		return false;
	if (is_identifier_type(path) || is_known_type(path))
		node->identifier = record_fold_identifier_type(path);
	else
		node->attribute = path;
	return true;
}

/*
 * Counted over the whole filter: each value is somebody who may be found, and is compared with
 * every record.
 */
static bool
add_value(FilterParser *parser, FilterNode *node, const char *name, char *value)
{
	if (strlen(value) > FILTER_VALUE_LENGTH_MAX)
		filter_refuse(parser, "the value for \"%s\" has more than %d bytes", shown_name(name),
					  FILTER_VALUE_LENGTH_MAX);
	else if (++parser->value_count > FILTER_VALUES_MAX)
		filter_refuse(parser, "the filter has more than %d values", FILTER_VALUES_MAX);
	else
	{
		node->values[node->value_count++] = value;
		return true;
	}
	return false;
}

static char *
scalar_text(const JsonbValue *value)
{
	if (value->type == jbvBool)
		return value->val.boolean ? "true" : "false";
	return record_scalar_text(value);
}

/* The values of a list written as one text: a,b,c; blanks around them do not count. */
static bool
add_separated(FilterParser *parser, FilterNode *node, const char *name, char *list)
{
	int room = 1;
	char *at;
	char *next;

	for (at = list; *at != '\0'; at++)
		room += *at == ',';
	if (room > FILTER_VALUES_MAX)
	{
		filter_refuse(parser, "the filter has more than %d values", FILTER_VALUES_MAX);
		return false;
	}
	node->values = palloc(sizeof(char *) * room);
	for (at = list; at != NULL; at = next)
	{
		size_t length;

		next = strchr(at, ',');
		if (next != NULL)
			*next++ = '\0';
		at += strspn(at, " ");
		length = strlen(at);
		while (length > 0 && at[length - 1] == ' ')
			at[--length] = '\0';
		if (length > 0 && !add_value(parser, node, name, at))
			return false;
	}
	return true;
}

/* Lists are valid though the schema has none (B11). */
static bool
add_elements(FilterParser *parser, FilterNode *node, const char *name, JsonbContainer *list)
{
	JsonbIterator *iterator;
	JsonbValue element;

	if (JsonContainerSize(list) > FILTER_VALUES_MAX)
	{
		filter_refuse(parser, "the filter has more than %d values", FILTER_VALUES_MAX);
		return false;
	}
	node->values = palloc(sizeof(char *) * Max(JsonContainerSize(list), 1));
	iterator = JsonbIteratorInit(list);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		char *value = scalar_text(&element);

		if (value == NULL)
		{
			filter_refuse(parser,
						  "the list for \"%s\" must hold texts, numbers, true or false only",
						  shown_name(name));
			return false;
		}
		if (!add_value(parser, node, name, value))
			return false;
	}
	return true;
}

static bool
add_single(FilterParser *parser, FilterNode *node, const char *name, const JsonbValue *value)
{
	char *written = scalar_text(value);

	node->values = palloc(sizeof(char *));
	if (written != NULL)
		return add_value(parser, node, name, written);
	filter_refuse(parser,
				  "the value for \"%s\" must be a text, a number, true or false; for a list of "
				  "values use the operator in",
				  shown_name(name));
	return false;
}

/*
 * Names and operators come back in problems, values never: the problem is signed, sent and logged.
 */
FilterNode *
filter_read_comparison(FilterParser *parser, const char *name, const char *operation,
					   const JsonbValue *value)
{
	const Operation *found;
	FilterNode *node = palloc0(sizeof(FilterNode));
	bool ok;

	if (!filter_count_node(parser) || !set_name(parser, node, name))
		return NULL;
	if (operation == NULL)
		operation = "eq";
	found = operation_find(operation);
	if (found == NULL)
		return filter_refuse(parser,
							 "attribute \"%s\": operator \"%s\" is not known; use eq, ne, lt, le, "
							 "gt, ge or in, and write nested attributes as a.b",
							 shown_name(name), shown_name(operation + (operation[0] == '$')));
	node->kind = found->kind;
	if (found->takes_list && filter_is_list(value))
		ok = add_elements(parser, node, name, value->val.binary.data);
	else if (found->takes_list && value->type == jbvString)
		ok = add_separated(parser, node, name, scalar_text(value));
	else
		ok = add_single(parser, node, name, value);
	if (!ok)
		return NULL;
	if (node->value_count == 0)
		return filter_refuse(parser, "the list for \"%s\" is empty", shown_name(name));
	return found->is_negated ? filter_node_not(node) : node;
}

/* The shape idtype-value; the value may be a number (B11). */
FilterNode *
filter_read_identifier(FilterParser *parser, JsonbContainer *object)
{
	FilterNode *node = palloc0(sizeof(FilterNode));
	JsonbValue type;
	JsonbValue value;
	char *name;

	if (!filter_member(object, "type", &type) || type.type != jbvString ||
		!filter_member(object, "value", &value) ||
		(value.type != jbvString && value.type != jbvNumeric))
		return filter_refuse(parser,
							 "an idtype-value filter is {\"type\": \"UIN\", \"value\": \"12345\"}");
	name = filter_plain_text(&type);
	if (name[0] == '\0' || strlen(name) > IDENTIFIER_TYPE_LENGTH_MAX)
		return filter_refuse(parser, "the type of an identifier has 1 to %d bytes",
							 IDENTIFIER_TYPE_LENGTH_MAX);
	node->kind = FILTER_EQ;
	node->identifier = record_fold_identifier_type(name);
	if (!filter_count_node(parser) || !add_single(parser, node, name, &value))
		return NULL;
	if (node->values[0][0] == '\0')
		return filter_refuse(parser, "the value of the identifier is empty");
	return node;
}
