# A straight cooling fin, as an old code would do it: reads the deck FIN.IN, writes the table FIN.OUT and, if asked, FIN.PRO.
# Temperatures at the middles of n equal cells, steady state, adiabatic tip; Thomas' algorithm.
#   awk -f fin.awk FIN.IN

$1 == "CELLS"        { n = $2 }
$1 == "LENGTH"       { length_m = $2 }
$1 == "THICKNESS"    { thickness = $2 }
$1 == "CONDUCTIVITY" { k = $2 }
$1 == "FILM"         { h = $2 }
$1 == "BASE"         { base = $2 }
$1 == "AIR"          { air = $2 }
$1 == "PROFILE"      { profile = $2 }

END {
  if (n < 2) { print "FIN: CELLS must be at least 2, found \"" n "\"" > "/dev/stderr"; exit 3 }
  dx = length_m / n
  g = k * thickness / dx        # conductance between cells, W/K per metre of depth
  loss = 2 * h * dx             # both faces of a cell
  for (j = 1; j <= n; j++) {
    west = j == 1 ? 2 * g : g
    east = j == n ? 0 : g
    diagonal = west + east + loss
    source = loss * air + (j == 1 ? west * base : 0)
    below = j == 1 ? 0 : west
    pivot = diagonal - below * c[j - 1]
    c[j] = east / pivot
    d[j] = (source + below * d[j - 1]) / pivot
  }
  for (j = n; j >= 1; j--) t[j] = d[j] + (j == n ? 0 : c[j] * t[j + 1])
  for (j = 1; j <= n; j++) heat += loss * (t[j] - air)
  printf "HEAT %.9e\n", heat > "FIN.OUT"
  printf "TIP %.9e\n", t[n] > "FIN.OUT"
  if (profile == 1) {
    print "x,temperature" > "FIN.PRO"
    for (j = 1; j <= n; j++) printf "%.9e,%.9e\n", (j - 0.5) * dx, t[j] > "FIN.PRO"
  }
  printf "EFFICIENCY %.9e\n", heat / (2 * h * length_m * (base - air)) > "FIN.OUT"
}
