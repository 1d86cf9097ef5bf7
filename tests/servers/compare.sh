# shellcheck shell=bash
# compare.sh - compares all rows and columns of a table at source and destination. Needs common.sh, and from its user
# the functions source_sql QUERY and destination_sql QUERY, which print rows with tabs between columns and no heading.
#
# Both ends are asked for the same text: names as hexadecimal UTF-8, moments with six digits, floats exactly. Rows are read in
# pieces by the first column of the key, which must be an integer, ordered by the key.

# The two column lists of a table, from its definition: one line for the source, one for the destination.
compare_columns()
{
    source_sql "SET SESSION group_concat_max_len = 1000000;
        SELECT CONCAT(GROUP_CONCAT(CASE
            WHEN DATA_TYPE IN ('char','varchar','text','tinytext','mediumtext','longtext','enum','set') THEN CONCAT('HEX(CONVERT(', c, ' USING utf8mb4))')
            WHEN DATA_TYPE LIKE '%blob' OR DATA_TYPE LIKE '%binary' THEN CONCAT('HEX(', c, ')')
            WHEN DATA_TYPE IN ('datetime','timestamp') THEN CONCAT('DATE_FORMAT(', c, ', \\'%Y-%m-%d %H:%i:%s.%f\\')')
            WHEN DATA_TYPE = 'time' THEN CONCAT('CAST(', c, ' AS TIME(6))')
            WHEN DATA_TYPE = 'float' THEN CONCAT('CAST(', c, ' AS DOUBLE)')
            ELSE c END ORDER BY ORDINAL_POSITION SEPARATOR ', '), '\n', GROUP_CONCAT(CASE
            WHEN DATA_TYPE IN ('char','varchar','text','tinytext','mediumtext','longtext','enum','set') THEN CONCAT('hex(', c, ')')
            WHEN DATA_TYPE LIKE '%blob' OR DATA_TYPE LIKE '%binary' THEN CONCAT('hex(', c, ')')
            WHEN DATA_TYPE = 'float' THEN CONCAT('toFloat64(', c, ')')
            ELSE c END ORDER BY ORDINAL_POSITION SEPARATOR ', '))
        FROM (SELECT CONCAT('\`', COLUMN_NAME, '\`') AS c, DATA_TYPE, ORDINAL_POSITION FROM information_schema.COLUMNS
            WHERE TABLE_SCHEMA = '$1' AND TABLE_NAME = '$2') AS columns"
}

# compare_table DATABASE TABLE DESTINATION_DATABASE FOLDER: one line with the counts of rows; fails when anything differs.
compare_table()
{
    local database=$1 table=$2 there=$3 folder=$4 lists ours theirs key first low high from step=25000
    lists=$(compare_columns "$database" "$table")
    ours=${lists%%$'\n'*}
    theirs=${lists#*$'\n'}
    key=$(source_sql "SELECT GROUP_CONCAT(CONCAT('\`', COLUMN_NAME, '\`') ORDER BY SEQ_IN_INDEX) FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = '$database' AND TABLE_NAME = '$table' AND INDEX_NAME = 'PRIMARY'")
    first=${key%%,*}
    read -r low high < <(source_sql "SELECT COALESCE(MIN($first), 1), COALESCE(MAX($first), 0) FROM \`$database\`.\`$table\`")
    : >"$folder/$table.source"
    : >"$folder/$table.destination"
    # What lies outside the source's keys must not be there at all.
    for ((from = low; from <= high; from += step)); do
        source_sql "SELECT $ours FROM \`$database\`.\`$table\` WHERE $first >= $from AND $first < $from + $step ORDER BY $key" \
            >>"$folder/$table.source" || return 1
        destination_sql "SELECT $theirs FROM \`$there\`.\`$table\` FINAL WHERE _peerdb_is_deleted = 0 AND $first >= $from AND $first < $from + $step ORDER BY $key
            SETTINGS output_format_decimal_trailing_zeros = 1, format_tsv_null_representation = 'NULL' FORMAT TSVRaw" >>"$folder/$table.destination" || return 1
    done
    destination_sql "SELECT $theirs FROM \`$there\`.\`$table\` FINAL WHERE _peerdb_is_deleted = 0 AND ($first < $low OR $first > $high) LIMIT 1000
        SETTINGS output_format_decimal_trailing_zeros = 1, format_tsv_null_representation = 'NULL' FORMAT TSVRaw" >>"$folder/$table.destination" || return 1
    ours=$(wc -l <"$folder/$table.source")
    theirs=$(wc -l <"$folder/$table.destination")
    if cmp -s "$folder/$table.source" "$folder/$table.destination"; then
        printf '      %-14s %10s %12s   equal\n' "$table" "$ours" "$theirs"
    else
        printf '      %-14s %10s %12s   DIFFERENT, the first lines that differ (< source, > destination):\n' "$table" "$ours" "$theirs"
        diff "$folder/$table.source" "$folder/$table.destination" | grep '^[<>]' | head -n 6 || true
        return 1
    fi
}
