-- Does a record say anything new?
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset null '(null)'
\pset format unaligned

CREATE TEMP TABLE pair (n serial, known jsonb, record jsonb, expected boolean);
INSERT INTO pair (known, record, expected) VALUES
-- nothing new
('{}', '{}', true),
('{"a": 1}', '{}', true),
('{"a": 1, "b": 2}', '{"a": 1}', true),
('{"a": {"b": {"c": "x", "d": 1}}}', '{"a": {"b": {"c": "x"}}}', true),
('{"a": "1"}', '{"a": 1}', true),
('{"a": 1.0}', '{"a": 1}', true),
('{"a": "true"}', '{"a": true}', true),
('{"a": null}', '{"a": null}', true),
('{}', '{"a": null}', true),
-- what JSON-LD says, and when it was touched, is no fact
('{"a": 1}', '{"a": 1, "@type": "Member", "@context": {"x": 1}, "@id": "https://example.org/1", "last_updated": "2026-01-01T00:00:00Z"}', true),
-- codes in every spelling
('{"enrollment_status": "4"}', '{"enrollment_status": 4}', true),
('{"enrollment_status": "04"}', '{"enrollment_status": "4"}', true),
('{"enrollment_status": "Suspended"}', '{"enrollment_status": "4"}', true),
('{"enrollment_status": "Graduated"}', '{"enrollment_status": "3"}', true),
('{"enrolment_status": "4"}', '{"enrollment_status": "4"}', true),
('{"additional_attributes": [{"enrolment_status": "04"}]}', '{"additional_attributes": [{"enrolment_status": "4"}]}', true),
('{"sex": "F"}', '{"sex": "female"}', true),
('{"spdci:sex": "female"}', '{"sex": "female"}', true),
('{"self_id_disability": "true"}', '{"is_disabled": true}', true),
-- but nothing else is as loose: an identifier or a telephone number is not a code
('{"identifier_value": "007"}', '{"identifier_value": "7"}', false),
('{"phone_number": "0123"}', '{"phone_number": "123"}', false),
('{"programme_identifier": "01"}', '{"programme_identifier": "1"}', false),
('{"employer": "M"}', '{"employer": "married"}', false),
-- one or many
('{"a": [1]}', '{"a": 1}', true),
('{"a": 1}', '{"a": [1]}', true),
('{"a": [2, 1]}', '{"a": [1, 2]}', true),
('{"a": [{"b": 1, "c": 2}, {"b": 2}]}', '{"a": {"c": 2}}', true),
('{"a": [[1]]}', '{"a": [1]}', true),
('{"a": []}', '{"a": []}', true),
('{"a": [1]}', '{"a": []}', true),
-- times are the same in every zone
('{"registration_date": "2026-01-01T10:00:00+01:00"}', '{"registration_date": "2026-01-01T09:00:00Z"}', true),
('{"registration_date": "2026-01-01T10:00:00+01:00"}', '{"registration_date": "2026-01-01T10:00:00Z"}', false),
('{"birth_date": "2026-01-01"}', '{"birth_date": "2026-01-02"}', false),
-- where both spellings stand, the same one decides: in doubt it is new
('{"enrollment_status": "4", "enrolment_status": "5"}', '{"enrollment_status": "5"}', false),
('{"enrollment_status": "4", "enrolment_status": "5"}', '{"enrolment_status": "5"}', true),
('{"enrolment_status": "4"}', '{"enrollment_status": null}', false),
('{"spdci:sex": "male"}', '{"sex": "female"}', false),
-- something new
('{}', '{"a": 1}', false),
('{"a": 1}', '{"a": 2}', false),
('{"a": null}', '{"a": 1}', false),
('{"a": 1}', '{"a": null}', false),
('{"a": "x"}', '{"a": {"b": "x"}}', false),
('{"a": {"b": "x"}}', '{"a": "x"}', false),
('{"a": [1]}', '{"a": [1, 2]}', false),
('{"a": [{"b": 1}, {"c": 2}]}', '{"a": [{"b": 1, "c": 2}]}', false),
('{"enrollment_status": "4"}', '{"enrollment_status": "5"}', false),
('{"enrollment_status": "4"}', '{"enrollment_status": "nonsense"}', false),
('{"A": 1}', '{"a": 1}', false),
('"x"', '"x"', true), ('[]', '{}', false), ('[{"a": 1}]', '{"a": 1}', true), ('null', '{"a": 1}', false);
SELECT known, record, expected FROM pair
 WHERE casesync_internal.record_contains(known, record) IS DISTINCT FROM expected ORDER BY n;
SELECT count(*) AS reflexive FROM pair WHERE NOT casesync_internal.record_contains(record, record)
	OR NOT casesync_internal.record_contains(known, known);
SELECT casesync_internal.record_contains(NULL, '{}'), casesync_internal.record_contains('{}', NULL);

-- what we build is known after its trip through the other spelling
SELECT casesync_internal.record_contains(
	'{"@type": "spdci:beneficiary", "member": {"member_identifier": {"identifier_type": "uin", "identifier_value": 4711}},
	  "enrolment_status": "suspended", "programme_identifier": {"programme_name": "Cash", "enrollment_status": "04"}}',
	casesync.beneficiary(identifiers => ARRAY[casesync.identifier('UIN', '4711')],
		programmes => ARRAY[casesync.enrolment('Cash', 'Suspended')]));

-- endless lists end in "new", soon
SELECT casesync_internal.record_contains(jsonb_build_object('a', (SELECT jsonb_agg(n) FROM generate_series(1, 20000) n)),
	jsonb_build_object('a', (SELECT jsonb_agg(n) FROM generate_series(20000, 1, -1) n)));
-- long lists are compared up to a point: three hundred in another order are found, four hundred are not
SELECT n, casesync_internal.record_contains(jsonb_build_object('a', (SELECT jsonb_agg(i) FROM generate_series(1, n) i)), jsonb_build_object('a', (SELECT jsonb_agg(i) FROM generate_series(n, 1, -1) i)))
  FROM unnest(ARRAY[300, 400, 3000]) n;
SELECT casesync_internal.record_contains((repeat('[', 1000) || repeat(']', 1000))::jsonb, (repeat('[', 1000) || '1' || repeat(']', 1000))::jsonb);

-- a list that became shorter is news, but not one of which each side shares its own part
SELECT casesync_internal.record_contains('{"programme_identifier": [{"programme_name": "a"}, {"programme_name": "b"}]}',
		'{"programme_identifier": [{"programme_name": "a"}]}') AS dropped,
	casesync_internal.record_contains('{"programme_identifier": [{"programme_name": "a"}, {"programme_name": "b"}]}',
		'{"programme_identifier": [{"programme_name": "b"}, {"programme_name": "a"}]}') AS same,
	casesync_internal.record_contains('{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "1"}, {"identifier_type": "BRN", "identifier_value": "2"}]}',
		'{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "1"}]}') AS identifiers,
	casesync_internal.record_contains('{"additional_attributes": [{"a": "1"}, {"b": "2"}]}', '{"additional_attributes": [{"b": "2"}]}') AS attributes;

-- a part of a leap second is no time that the server can read: a text
SELECT casesync_internal.record_contains('{"t": "2016-12-31T23:59:60.5Z"}', '{"t": "2016-12-31T23:59:60.50Z"}') AS part,
	casesync_internal.record_contains('{"t": "2016-12-31T23:59:60Z"}', '{"t": "2017-01-01T00:00:00+00:00"}') AS whole;

DROP EXTENSION casesync CASCADE;
