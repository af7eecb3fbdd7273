/*
 * record_value.h
 *		Is one value of a record what its attribute holds?
 *
 * Pure facts and text checks; knows no path, no object around it and nothing of SQL.
 */
#ifndef CASESYNC_RECORD_VALUE_H
#define CASESYNC_RECORD_VALUE_H

#include "utils/jsonb.h"

#include "code/code_directory.h"
#include "record/data_object.h"

/* What is wrong. The format takes the argument, if any; it never has the value itself. */
typedef struct ValueProblem
{
	bool is_error; /* else a warning: we understand it, the standard says it otherwise */
	const char *format;
	const char *argument;
	char buffer[CODE_TEXT_SIZE];
} ValueProblem;

/*
 * True when a scalar is in order for its attribute; else the problem says what is wrong. JSON null
 * is in order everywhere. An object or list is wrong here unless the attribute takes anything.
 */
extern bool record_value_check(const DataAttribute *attribute, const JsonbValue *value,
							   ValueProblem *problem);

#endif /* CASESYNC_RECORD_VALUE_H */
