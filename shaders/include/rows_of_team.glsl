// Which rows of a dispatch are a team's on a CPU, and where it works on several at once: some that lie one behind the other. A CPU's
// drivers run a workgroup after the other, and if each went over all of the tensor in long steps, nothing would be fetched ahead of
// it.
#ifndef VKN_ROWS_OF_TEAM_GLSL
#define VKN_ROWS_OF_TEAM_GLSL

struct RowsOfTeam {
    uint first;
    uint end; // one past the last
};

// As many as every other team has, in units of rows that are worked on at once if there are enough for all teams; what is left over
// is the last one's.
RowsOfTeam rowsOfTeam(uint rows, uint rowsAtOnce) {
    uint teams = gl_NumWorkGroups.x * teamsPerWorkgroup();
    uint team = gl_WorkGroupID.x * teamsPerWorkgroup() + teamIndex();
    uint unit = rows >= teams * rowsAtOnce ? rowsAtOnce : 1u;
    uint each = rows / unit / teams;
    uint more = rows / unit % teams; // teams that have one more
    uint first = (team * each + min(team, more)) * unit;
    uint end = first + (team < more ? each + 1u : each) * unit;
    return RowsOfTeam(first, team + 1u == teams ? rows : end);
}

#endif
