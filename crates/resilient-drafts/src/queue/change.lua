-- Changes one account's line if nobody has changed it since it was read.
--
-- KEYS: the line (a hash: mark, head, and entry:{id} each), its texts (a hash: id -> sealed).
-- ARGV: mark that was read ('' for none), mark from now on, milliseconds to keep both,
--       number of fields to remove, number of texts to remove, number of fields to set (with their values),
--       those fields, those texts, field and value in turn, then id and text in turn.
-- Returns 'done', or 'moved' where nothing has changed.
local line, texts = KEYS[1], KEYS[2]
if (redis.call('HGET', line, 'mark') or '') ~= ARGV[1] then return 'moved' end

local first_text = 7 + tonumber(ARGV[4])
local first_set = first_text + tonumber(ARGV[5])
local first_new = first_set + 2 * tonumber(ARGV[6])
-- A full Redis takes what makes room, and knows that by a removal that comes first: of the mark, which is no text.
-- What goes away goes last: where the rest is not taken, it is there still.
if first_text > 7 or first_set > first_text then redis.call('HDEL', line, 'mark') end
for at = first_new, #ARGV, 2 do redis.call('HSET', texts, ARGV[at], ARGV[at + 1]) end
for at = first_set, first_new - 1, 2 do redis.call('HSET', line, ARGV[at], ARGV[at + 1]) end
for at = 7, first_text - 1 do redis.call('HDEL', line, ARGV[at]) end
for at = first_text, first_set - 1 do redis.call('HDEL', texts, ARGV[at]) end
redis.call('HDEL', line, 'mark')
if redis.call('EXISTS', line) == 1 then
  redis.call('HSET', line, 'mark', ARGV[2])
  redis.call('PEXPIRE', line, ARGV[3])
end
redis.call('PEXPIRE', texts, ARGV[3])
return 'done'
