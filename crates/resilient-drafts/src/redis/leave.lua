-- Takes a form away that was moved, if nobody has changed it since it was read, and what it was moved to is as it was
-- then: two servers that move it in opposite directions leave it in one place.
--
-- KEYS: the form, the account's index, where the form is now. ARGV: mark that was read, form key, mark there.
-- Returns whether it is away.
if (redis.call('HGET', KEYS[1], 'mark') or '') ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[3], 'mark') or '') ~= ARGV[3] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], ARGV[2])
return 1
