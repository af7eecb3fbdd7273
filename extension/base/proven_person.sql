/* Who a transaction is proven to be made by (proven_person.c). */

/* Given to nobody: who can call it can be anybody. */
CREATE OR REPLACE FUNCTION casesync_internal.prove_person(home oid, person bigint,
	until timestamptz)
RETURNS void
AS 'MODULE_PATHNAME', 'casesync_prove_person'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.prove_person(oid, bigint, timestamptz) IS
	'from now on the transaction is this person''s, of this schema, until it ends';

CREATE OR REPLACE FUNCTION casesync.proven_person(schema name)
RETURNS bigint
AS 'MODULE_PATHNAME', 'casesync_proven_person'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION casesync.proven_person(name) IS
	'whose own transaction this is, by a token that as_person() has checked; NULL: nobody''s';
