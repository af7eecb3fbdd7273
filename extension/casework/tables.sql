/* ---- the casework schema, as text ---- */
CREATE TABLE casesync_internal.casework_part (
	place integer PRIMARY KEY,
	part text NOT NULL UNIQUE,
	statement text NOT NULL
);
COMMENT ON TABLE casesync_internal.casework_part IS
	'what create_casework() runs, in this order, with the new schema first in search_path: ordinary '
	'tables, views and functions of whoever calls it';
COMMENT ON COLUMN casesync_internal.casework_part.place IS 'where in the order';
COMMENT ON COLUMN casesync_internal.casework_part.part IS 'what it makes';
COMMENT ON COLUMN casesync_internal.casework_part.statement IS
	'statements without names of schemas: search_path says where';
