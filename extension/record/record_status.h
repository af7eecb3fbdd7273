/*
 * record_status.h
 *		The enrolment status of a record: where it stands, what it means, what may follow it.
 *
 * Knows the standard's lists, no partner and no local words.
 */
#ifndef CASESYNC_RECORD_STATUS_H
#define CASESYNC_RECORD_STATUS_H

#include "utils/jsonb.h"

#include "code/code_directory.h"

/* Numbers of directory enrolment_status, frozen in codes.tsv. */
typedef enum EnrolmentStatus
{
	STATUS_ACTIVE = 1,
	STATUS_DECEASED = 2,
	STATUS_EXITED = 3,
	STATUS_SUSPENDED = 4,
	STATUS_INACTIVE = 5,
	STATUS_REINSTATED = 6,
	STATUS_AWAITING_RENEWAL = 7
} EnrolmentStatus;

extern const CodeDirectory *record_status_directory(void);

/* The number of a word or code of either list; a word that no list knows is an error. */
extern int16 record_status_parse(const char *word);

/*
 * Fold the status of one programme into that of the person: what says most about the person now
 * stays. The number is 0 before the first one. A programme without a status changes nothing.
 */
extern void record_status_fold(int16 *status, const JsonbValue *programme);

#endif /* CASESYNC_RECORD_STATUS_H */
