"""Makes pvlib.json: what pvlib, an independent reader and sun model, says of the three climates.

    pip install pvlib==0.16.1
    python make_pvlib.py > pvlib.json

The weather files are the ones that ship inside pvlib. Every year is taken for 1990, and the sun stands where it does
in the middle of the hour; zenith is geometric (without refraction). Sky model: haydavies; ground reflectance 0.2.
"""

import json
import os

import pandas as pd
import pvlib

YEAR = 1990
EVERY = 37  # hours; shares no factor with 24, so that every hour of the day is sampled
DATA = os.path.join(os.path.dirname(pvlib.__file__), "data")
SURFACES = {
    "horizontal": (0, 180),
    "north": (90, 0),
    "east": (90, 90),
    "south": (90, 180),
    "west": (90, 270),
    "southwest, 30 degrees": (30, 225),
}


def read(name):
    path = os.path.join(DATA, name)
    if name.endswith(".tm2"):
        data, place = pvlib.iotools.read_tmy2(path)
        data = data[["DryBulb", "GHI", "DNI", "DHI"]].copy()
        data["DryBulb"] /= 10  # read_tmy2 leaves tenths of a degree
    else:
        data, place = pvlib.iotools.read_tmy3(path, map_variables=False)
        data = data[["Dry-bulb (C)", "GHI (W/m^2)", "DNI (W/m^2)", "DHI (W/m^2)"]].copy()
    data.columns = ["dryBulb", "globalHorizontal", "directNormal", "diffuseHorizontal"]
    return data.astype(float).reset_index(drop=True), place


def reference(name):
    data, place = read(name)
    latitude, longitude, zone = place["latitude"], place["longitude"], place["TZ"]
    middle = pd.date_range(f"{YEAR}-01-01 00:30", periods=8760, freq="h", tz="UTC") - pd.Timedelta(hours=zone)
    data.index = middle
    sun = pvlib.solarposition.get_solarposition(middle, latitude, longitude, altitude=place["altitude"])
    # The day of the year is the local one.
    extraterrestrial = pvlib.irradiance.get_extra_radiation(middle + pd.Timedelta(hours=zone))
    extraterrestrial.index = middle

    def on_surface(tilt, azimuth, model):
        total = pvlib.irradiance.get_total_irradiance(
            tilt,
            azimuth,
            sun["zenith"],
            sun["azimuth"],
            data["directNormal"],
            data["globalHorizontal"],
            data["diffuseHorizontal"],
            dni_extra=extraterrestrial,
            airmass=pvlib.atmosphere.get_relative_airmass(sun["apparent_zenith"]),
            albedo=0.2,
            model=model,
        )
        return total["poa_global"].fillna(0)

    sampled = [h for h in range(0, 8760, EVERY) if sun["zenith"].iloc[h] < 90]
    surfaces = {}
    for key, (tilt, azimuth) in SURFACES.items():
        hourly = on_surface(tilt, azimuth, "haydavies")
        surfaces[key] = {
            "tilt": tilt,
            "azimuth": azimuth,
            "annualKwhPerM2": round(hourly.sum() / 1000, 4),
            "perezKwhPerM2": round(on_surface(tilt, azimuth, "perez").sum() / 1000, 4),
            "sampled": [round(x, 3) for x in hourly.iloc[sampled]],
        }
    return {
        "file": name,
        "latitude": round(latitude, 6),
        "longitude": round(longitude, 6),
        "timeZone": zone,
        "weather": {
            column: {
                "mean": round(data[column].mean(), 6),
                "sampled": data[column].iloc[::EVERY].round(1).tolist(),
            }
            for column in data.columns
        },
        "sun": {
            "hours": sampled,
            "zenith": [round(x, 4) for x in sun["zenith"].iloc[sampled]],
            "azimuth": [round(x, 4) for x in sun["azimuth"].iloc[sampled]],
        },
        "surfaces": surfaces,
    }


print(
    json.dumps(
        {
            "pvlib": pvlib.__version__,
            "every": EVERY,
            "greensboro": reference("723170TYA.CSV"),
            "sand-point": reference("703165TY.csv"),
            "miami": reference("12839.tm2"),
        },
    )
)
