/* What of a record leaves, in which form, and whom it is about. Knows no agreement. */

/*
 * NULL in either list is an empty list. IMMUTABLE, and asked in conditions too, so it must not look
 * at any table.
 */
CREATE OR REPLACE FUNCTION casesync_internal.project(record jsonb, fields text[],
	identifier_types text[])
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_project' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.project(jsonb, text[], text[]) IS
	'the record with nothing but the fields and types of identifiers named; NULL when nothing '
	'remains';

CREATE OR REPLACE FUNCTION casesync.is_field_path(path text)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_is_field_path' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.is_field_path(text) IS
	'whether the text is a path as used in fields and filters: names joined by dots';

/*
 * Records travel through systems that read numbers as doubles and have limits of their own; what
 * two peers read differently would be signed and not verify.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wire(record jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_wire' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.wire(jsonb) IS
	'the record in the form in which it is sent: ASCII names, safe numbers, bounded depth and size';

/*
 * Of the record as jsonb, in which the order of members and blanks says nothing. Without the key,
 * who knows a person's record could find out whether it was told.
 */
CREATE OR REPLACE FUNCTION casesync_internal.keyed_hash(key bytea, record jsonb)
RETURNS bytea
AS 'MODULE_PATHNAME', 'casesync_keyed_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.keyed_hash(bytea, jsonb) IS
	'HMAC-SHA256 of the record: tells whether two are equal without keeping what they say';

/* ROWS 3 for the planner: a thousand, its own guess, makes it read whole tables for one record. */
CREATE OR REPLACE FUNCTION casesync.record_identifiers(record jsonb)
RETURNS TABLE (identifier_type text, identifier_value text)
AS 'MODULE_PATHNAME', 'casesync_record_identifiers'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 3;
COMMENT ON FUNCTION casesync.record_identifiers(jsonb) IS
	'the identifiers of the record''s own subject, not those of relatives or of other members';

CREATE OR REPLACE FUNCTION casesync_internal.fold_identifier_type(type text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_fold_identifier_type' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.fold_identifier_type(text) IS
	'an identifier type in the spelling of the standard''s list; as it is when not in the list';

CREATE OR REPLACE FUNCTION casesync_internal.record_contains(known jsonb, record jsonb)
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_record_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.record_contains(jsonb, jsonb) IS
	'whether every fact of the record is already in what is known, however it is written there';

/* Of what comes from outside. It is no hash to compare between two databases. */
CREATE OR REPLACE FUNCTION casesync_internal.content_hash(key bytea, content jsonb)
RETURNS bytea
AS 'MODULE_PATHNAME', 'casesync_content_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.content_hash(bytea, jsonb) IS
	'HMAC-SHA256 of a document as it is kept: costs what it has bytes, whatever its numbers are';
