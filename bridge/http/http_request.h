/*
 * http_request.h
 *		One request from its first line to its answer, as http_server drives it. What handlers may
 *		do with a request is in http_server.h.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/http_connection.h"

/* libmicrohttpd's callbacks; context is the server. */
extern void *http_request_begins(void *context, const char *uri, struct MHD_Connection *connection);
extern enum MHD_Result http_request_access(void *context, struct MHD_Connection *connection,
										   const char *url, const char *method, const char *version,
										   const char *upload, size_t *upload_size,
										   void **request_context);
extern void http_request_completed(void *context, struct MHD_Connection *connection,
								   void **request_context, enum MHD_RequestTerminationCode code);

#endif
