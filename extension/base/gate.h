/*
 * gate.h
 *		Whether the router is awake. Whoever commits a change passes the gate, which the router has
 *		shut while it sleeps: so a NOTIFY, for which all commits of a cluster queue up, is sent to a
 *		sleeper only. See doc/capture.md.
 */
#ifndef CASESYNC_GATE_H
#define CASESYNC_GATE_H

/*
 * To be called just before the commit. True: the router looks once more after this transaction has
 * become visible. False: the gate is shut, or it cannot be known. Never waits; what it takes is
 * given back when the commit is visible to others.
 */
extern bool gate_pass(void);

#endif /* CASESYNC_GATE_H */
