-- Changes one form if nobody has changed it since it was read.
--
-- KEYS: the form (a hash), the account's index (a hash: form key -> number of its drafts, when the
--       latest of them changed, and how many bytes they have, with colons between).
-- ARGV: mark that was read ('' for none), mark from now on, milliseconds to keep it, form key,
--       most drafts of the account (0: as many as there are), most bytes of them, when the form's latest
--       draft changed, number of fields to remove, those fields, then field and value in turn.
-- Returns 'done', 'moved', 'full' (too many) or 'heavy' (too many bytes); but for the first nothing has changed.
local form, index = KEYS[1], KEYS[2]
local is_draft = function(field) return string.sub(field, 1, 6) == 'draft:' end
local drafts = function()
  local count, bytes = 0, 0
  for _, field in ipairs(redis.call('HKEYS', form)) do
    if is_draft(field) then
      count = count + 1
      bytes = bytes + redis.call('HSTRLEN', form, field)
    end
  end
  return count, bytes
end

if (redis.call('HGET', form, 'mark') or '') ~= ARGV[1] then return 'moved' end

local most, most_bytes, first_removed = tonumber(ARGV[5]), tonumber(ARGV[6]), 9
local first_set = first_removed + tonumber(ARGV[8])
if most > 0 then
  local more, all, more_bytes, all_bytes = 0, 0, 0, 0
  for at = first_removed, first_set - 1 do
    if is_draft(ARGV[at]) then
      more = more - redis.call('HEXISTS', form, ARGV[at])
      more_bytes = more_bytes - redis.call('HSTRLEN', form, ARGV[at])
    end
  end
  for at = first_set, #ARGV, 2 do
    if is_draft(ARGV[at]) then
      more = more + 1 - redis.call('HEXISTS', form, ARGV[at])
      more_bytes = more_bytes + #ARGV[at + 1] - redis.call('HSTRLEN', form, ARGV[at])
    end
  end
  for _, entry in ipairs(redis.call('HVALS', index)) do
    all = all + tonumber(string.match(entry, '^%d+') or 0)
    all_bytes = all_bytes + tonumber(string.match(entry, '^%d+:%d+:(%d+)') or 0)
  end
  if more > 0 and all + more > most then return 'full' end
  if more_bytes > 0 and all_bytes + more_bytes > most_bytes then return 'heavy' end
end

-- What goes away goes last: where Redis does not let the rest be written, it is there still. A full Redis
-- takes what makes room, and knows that by a removal that comes first: of the mark, which is no text.
if first_set > first_removed then redis.call('HDEL', form, 'mark') end
for at = first_set, #ARGV, 2 do redis.call('HSET', form, ARGV[at], ARGV[at + 1]) end
for at = first_removed, first_set - 1 do redis.call('HDEL', form, ARGV[at]) end
redis.call('HDEL', form, 'mark')
if redis.call('EXISTS', form) == 1 then
  redis.call('HSET', form, 'mark', ARGV[2])
  redis.call('PEXPIRE', form, ARGV[3])
end
local count, bytes = drafts()
if count > 0 then
  redis.call('HSET', index, ARGV[4], string.format('%d:%s:%d', count, ARGV[7], bytes))
  redis.call('PEXPIRE', index, ARGV[3])
else
  redis.call('HDEL', index, ARGV[4])
end
return 'done'
