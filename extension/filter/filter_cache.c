/*
 * filter_cache.c
 *		Filters that were read once, kept for the next record. See filter_cache.h.
 *
 * Each in a memory context of its own; those that were not asked for longest go when all together
 * need too much. Nothing is told when a subscription changes or ends: a tree that is not the one
 * that was read is read again, and one that is never asked for again goes with the others.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "filter/filter_cache.h"

#define CACHE_BYTES_MAX (32 * 1024 * 1024)

typedef struct CachedFilter
{
	int64 number; /* the key of the table; must be first */
	MemoryContext memory;
	Size bytes;
	Jsonb *tree;
	const FilterNode *node;
	dlist_node used; /* in the list of all, the last used one first */
} CachedFilter;

static HTAB *filters = NULL;
static dlist_head by_use = DLIST_STATIC_INIT(by_use);
static Size bytes_all = 0;

static void
cache_create(void)
{
	HASHCTL control = {0};

	control.keysize = sizeof(int64);
	control.entrysize = sizeof(CachedFilter);
	filters = hash_create("casesync filters", 64, &control, HASH_ELEM | HASH_BLOBS);
}

static void
cache_drop(CachedFilter *filter)
{
	dlist_delete(&filter->used);
	bytes_all -= filter->bytes;
	MemoryContextDelete(filter->memory);
	(void) hash_search(filters, &filter->number, HASH_REMOVE, NULL);
}

/* Read below the caller's memory, so that nothing stays when it fails. */
static CachedFilter *
cache_add(int64 number, Jsonb *tree)
{
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "casesync filter", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(memory);
	Jsonb *copy = palloc(VARSIZE(tree));
	const FilterNode *node;
	CachedFilter *filter;

	memcpy(copy, tree, VARSIZE(tree));
	node = filter_tree_read(copy);
	MemoryContextSwitchTo(before);
	filter = hash_search(filters, &number, HASH_ENTER, NULL);
	MemoryContextSetParent(memory, TopMemoryContext);
	filter->memory = memory;
	filter->bytes = MemoryContextMemAllocated(memory, true);
	filter->tree = copy;
	filter->node = node;
	dlist_push_head(&by_use, &filter->used);
	bytes_all += filter->bytes;
	return filter;
}

const FilterNode *
filter_cache_read(int64 number, Jsonb *tree)
{
	CachedFilter *filter;

	if (filters == NULL)
		cache_create();
	filter = hash_search(filters, &number, HASH_FIND, NULL);
	if (filter != NULL && VARSIZE(filter->tree) == VARSIZE(tree) &&
		memcmp(filter->tree, tree, VARSIZE(tree)) == 0)
	{
		dlist_move_head(&by_use, &filter->used);
		return filter->node;
	}
	if (filter != NULL)
		cache_drop(filter);
	filter = cache_add(number, tree);
	while (bytes_all > CACHE_BYTES_MAX && dlist_has_next(&by_use, &filter->used))
		cache_drop(dlist_tail_element(CachedFilter, used, &by_use));
	return filter->node;
}
