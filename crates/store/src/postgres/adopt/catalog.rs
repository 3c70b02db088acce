//! What is asked of the server's catalog. All of it is about the schema that comes first in `search_path`.

/// The columns of a constraint or an index in their order, by an array of numbers and the table.
macro_rules! columns {
    ($numbers:literal, $table:literal) => {
        concat!(
            "(SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(",
            $numbers,
            ") WITH ORDINALITY AS u(number, place) JOIN pg_attribute a ON a.attrelid = ",
            $table,
            " AND a.attnum = u.number)"
        )
    };
}

/// Tables, by name.
pub(super) const TABLES: &str = "SELECT c.relname::text, CASE c.relpersistence WHEN 'u' THEN 'u' ELSE c.relkind::text END, c.relispartition, \
    EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)), obj_description(c.oid, 'pg_class'), \
    pg_has_role(c.relowner, 'USAGE'), c.relrowsecurity, c.relforcerowsecurity, \
    coalesce((SELECT array_agg(w.rulename::text ORDER BY w.rulename) FROM pg_rewrite w WHERE w.ev_class = c.oid), ARRAY[]::text[]), \
    coalesce((SELECT array_agg(t.tgname::text ORDER BY t.tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), \
    ARRAY[]::text[]), \
    EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 7 = 7) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'f') \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
    ORDER BY c.relname";

/// Columns, by table and place.
pub(super) const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, col_description(c.oid, a.attnum), \
    b.typname::text, b.typtype = 'e' AND b.typnamespace = n.oid, bn.nspname = 'pg_catalog' AND b.typtype = 'b', \
    format_type(a.atttypid, a.atttypmod), (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)::bigint, \
    a.attnotnull OR t.typnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault), CASE WHEN a.attgenerated <> '' THEN 'formula' \
    WHEN a.attidentity = 'a' THEN 'counter' ELSE 'writers' END, \
    coalesce(l.collname IN ('C', 'POSIX', 'ucs_basic', 'C.UTF-8', 'C.utf8') OR l.collname = 'default' AND \
    (SELECT datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') AND datlocprovider <> 'i' FROM pg_database \
    WHERE datname = current_database()), TRUE), \
    coalesce((SELECT array_agg(pg_get_expr(k.conbin, 0) ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid \
    AND k.contype = 'c'), ARRAY[]::text[]), \
    (SELECT min(CASE p.classid WHEN 'pg_rewrite'::regclass THEN 'the view ' || (SELECT w.ev_class::regclass::text FROM pg_rewrite w \
    WHERE w.oid = p.objid) WHEN 'pg_trigger'::regclass THEN 'the trigger ' || (SELECT g.tgname FROM pg_trigger g WHERE g.oid = p.objid) \
    WHEN 'pg_policy'::regclass THEN 'the policy ' || (SELECT y.polname FROM pg_policy y WHERE y.oid = p.objid) \
    ELSE 'a computed column' END) FROM pg_depend p WHERE p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid \
    AND p.refobjsubid = a.attnum AND (p.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass) \
    OR p.classid = 'pg_attrdef'::regclass AND p.objid IS DISTINCT FROM d.oid)) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
    JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END \
    JOIN pg_namespace bn ON bn.oid = b.typnamespace LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
    LEFT JOIN pg_collation l ON l.oid = a.attcollation \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY c.relname, a.attnum";

/// Primary keys, foreign keys, checks and exclusions, by table and name.
pub(super) const CONSTRAINTS: &str = concat!(
    "SELECT c.relname::text, k.conname::text, k.contype::text, k.condeferrable, k.convalidated, coalesce(",
    columns!("k.conkey", "k.conrelid"),
    ", ARRAY[]::text[]), coalesce(CASE WHEN tn.nspname = n.nspname THEN t.relname::text ELSE tn.nspname || '.' || t.relname END, ''), \
     coalesce(",
    columns!("k.confkey", "k.confrelid"),
    ", ARRAY[]::text[]), k.confdeltype::text, coalesce(pg_get_expr(k.conbin, k.conrelid), '') \
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_class t ON t.oid = k.confrelid AND k.contype = 'f' LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace \
     WHERE n.nspname = current_schema() AND k.contype IN ('p', 'f', 'c', 'x') ORDER BY c.relname, k.conname"
);

/// Indexes but for those of primary keys and exclusions, by table and name.
pub(super) const INDEXES: &str = concat!(
    "SELECT c.relname::text, x.relname::text, i.indisunique, k.oid IS NOT NULL, \
     EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = i.indexrelid), i.indnullsnotdistinct, \
     m.amname = 'btree' AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = i.indnatts AND i.indisvalid \
     AND NOT EXISTS (SELECT FROM unnest(i.indoption) o WHERE o <> 0) \
     AND NOT EXISTS (SELECT FROM unnest(i.indclass) o JOIN pg_opclass p ON p.oid = o WHERE NOT p.opcdefault), coalesce(",
    columns!("string_to_array(i.indkey::text, ' ')::int2[]", "i.indrelid"),
    ", ARRAY[]::text[]), pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
     JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'u' \
     WHERE n.nspname = current_schema() AND c.relkind = 'r' AND NOT i.indisprimary AND NOT i.indisexclusion \
     ORDER BY c.relname, x.relname"
);

/// Enums, by name.
pub(super) const ENUMS: &str = "SELECT t.typname::text, obj_description(t.oid, 'pg_type'), pg_has_role(t.typowner, 'USAGE'), \
    (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), \
    EXISTS (SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = 'text'::regtype AND k.castcontext = 'i') \
    AND EXISTS (SELECT FROM pg_cast k WHERE k.casttarget = t.oid AND k.castsource = 'text'::regtype AND k.castcontext IN ('i', 'a')) \
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = current_schema() AND t.typtype = 'e' \
    AND EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = t.oid) ORDER BY t.typname";

/// Views, by name.
pub(super) const VIEWS: &str = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relkind IN ('v', 'm') \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
    ORDER BY c.relname";
