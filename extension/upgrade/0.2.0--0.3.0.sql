/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{}');

/* It tells whose lane it is, too. */
DROP FUNCTION casesync_internal.lanes();
