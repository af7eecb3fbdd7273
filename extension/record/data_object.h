/*
 * data_object.h
 *		The data objects of the standard: which attributes they have and what those hold.
 *
 * Constant facts, made from data_objects.tsv. Knows nothing of JSON, SQL or code numbers.
 */
#ifndef CASESYNC_DATA_OBJECT_H
#define CASESYNC_DATA_OBJECT_H

typedef enum AttributeKind
{
	ATTRIBUTE_TEXT,
	ATTRIBUTE_BOOLEAN,
	ATTRIBUTE_INTEGER,
	ATTRIBUTE_DECIMAL,
	ATTRIBUTE_DATE,
	ATTRIBUTE_TIME,
	ATTRIBUTE_CODE,
	ATTRIBUTE_PHONE,
	ATTRIBUTE_EMAIL,
	ATTRIBUTE_IDENTIFIER,
	ATTRIBUTE_ANY,
	ATTRIBUTE_PAIRS,
	ATTRIBUTE_OBJECT
} AttributeKind;

typedef struct DataAttribute
{
	const char *spelling; /* one of the names peers use */
	const char *name;	  /* the one we send */
	AttributeKind kind;
	bool is_list;
	bool is_closed;				/* a code that no directory has is an error */
	const char *directories[4]; /* of a code: the one we send first; ends with NULL */
	const char *objects[3];		/* of an object: what it may be; ends with NULL */
} DataAttribute;

typedef struct DataObject
{
	const char *name;
	const DataAttribute *attributes; /* in the order of strcmp of their spellings */
	int attribute_count;
} DataObject;

/* The object of that name, or NULL. */
extern const DataObject *data_object_find(const char *name);

/* The object a record type or class names: prefix and case do not count; NULL for none. */
extern const DataObject *data_object_of_record(const char *record_type);

/* The attribute with that spelling (a prefix such as spdci: does not count), or NULL. */
extern const DataAttribute *data_object_attribute(const DataObject *object, const char *key,
												  int length);

/*
 * The first attribute of any object with that spelling and kind code, else the first at all, or
 * NULL: for those who see a key and do not know where they are.
 */
extern const DataAttribute *data_object_any_attribute(const char *key, int length);

/* Whether two names are spellings of one attribute, wherever it stands. */
extern bool data_object_names_are_related(const char *a, int a_length, const char *b, int b_length);

#endif /* CASESYNC_DATA_OBJECT_H */
