-- Changes one form if nobody has changed it since it was read.
--
-- KEYS: the form (a hash), the account's index (a hash: form key -> number of its drafts).
-- ARGV: mark that was read ('' for none), mark from now on, milliseconds to keep it, form key,
--       most drafts of the account (0: as many as there are), number of fields to remove, those
--       fields, then field and value in turn.
-- Returns 'done', 'moved' or 'full'; in the latter two nothing has changed.
local form, index = KEYS[1], KEYS[2]
local is_draft = function(field) return string.sub(field, 1, 6) == 'draft:' end
local drafts = function()
  local count = 0
  for _, field in ipairs(redis.call('HKEYS', form)) do
    if is_draft(field) then count = count + 1 end
  end
  return count
end

if (redis.call('HGET', form, 'mark') or '') ~= ARGV[1] then return 'moved' end

local most, first_removed = tonumber(ARGV[5]), 7
local first_set = first_removed + tonumber(ARGV[6])
if most > 0 then
  local more, all = 0, 0
  for at = first_removed, first_set - 1 do
    if is_draft(ARGV[at]) then more = more - redis.call('HEXISTS', form, ARGV[at]) end
  end
  for at = first_set, #ARGV, 2 do
    if is_draft(ARGV[at]) then more = more + 1 - redis.call('HEXISTS', form, ARGV[at]) end
  end
  for _, count in ipairs(redis.call('HVALS', index)) do all = all + tonumber(count) end
  if more > 0 and all + more > most then return 'full' end
end

for at = first_removed, first_set - 1 do redis.call('HDEL', form, ARGV[at]) end
for at = first_set, #ARGV, 2 do redis.call('HSET', form, ARGV[at], ARGV[at + 1]) end
redis.call('HDEL', form, 'mark')
if redis.call('EXISTS', form) == 1 then
  redis.call('HSET', form, 'mark', ARGV[2])
  redis.call('PEXPIRE', form, ARGV[3])
end
local count = drafts()
if count > 0 then
  redis.call('HSET', index, ARGV[4], count)
  redis.call('PEXPIRE', index, ARGV[3])
else
  redis.call('HDEL', index, ARGV[4])
end
return 'done'
