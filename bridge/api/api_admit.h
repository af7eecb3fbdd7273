/*
 * api_admit.h
 *		What every message passes before it is acted on. Knows the order of the checks, not the
 *		rules.
 */
#ifndef API_ADMIT_H
#define API_ADMIT_H

#include "api/api_shared.h"

/*
 * The order of all checks: token, content type and JSON, who it is, signature, encryption, form;
 * then proceed. What fails is answered.
 */
extern void api_admit(Api *api, HttpRequest *request, bool is_synchronous, ApiProceed proceed);

#endif
