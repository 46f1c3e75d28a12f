"""Everything that writes: matches, referrals and commitments, meetings, workstreams."""
