/*
 * proven_person.h
 *		Who the running transaction is proven to be made by: a person, and nobody who works here.
 */
#ifndef CASESYNC_PROVEN_PERSON_H
#define CASESYNC_PROVEN_PERSON_H

extern void proven_person_init(void);

/* Whether the running transaction is a person's own, of whatever schema. */
extern bool proven_person_is_known(void);

#endif /* CASESYNC_PROVEN_PERSON_H */
