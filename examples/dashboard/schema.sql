-- The tables and what the stockroom sells. It runs at every start, in one transaction, and changes nothing the second time.
-- Prices are in cents.

BEGIN IMMEDIATE;

CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS product (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    department TEXT NOT NULL,
    price INTEGER NOT NULL,
    description TEXT NOT NULL
);

INSERT OR IGNORE INTO product (slug, name, department, price, description) VALUES
    ('erlenmeyer-flask', 'Erlenmeyer flask, 250 ml', 'Glassware', 690,
     'A flat bottom to stand on and a narrow neck to swirl by: nothing splashes out.'),
    ('beaker', 'Beaker, 400 ml', 'Glassware', 540,
     'A wide mouth, a good spout, and a scale that is honest to five per cent.'),
    ('measuring-cylinder', 'Measuring cylinder, 100 ml', 'Glassware', 880,
     'Read it at eye level, at the bottom of the curve.'),
    ('thermometer', 'Thermometer, −10 to 110 °C', 'Instruments', 1250,
     'Red spirit instead of mercury, so a broken one is only a broken one.'),
    ('balance', 'Balance, 500 g', 'Instruments', 6400,
     'Two pans, one beam, and a set of brass weights down to ten milligrams.'),
    ('magnifier', 'Magnifier, 4×', 'Instruments', 1790,
     'Ground glass in a plain frame, for crystals and for small print.'),
    ('burner', 'Spirit burner', 'Bench', 1120,
     'A quiet flame for gentle heating, with a glass cap to put it out.'),
    ('tube-rack', 'Rack with three test tubes', 'Bench', 1480,
     'Beech wood that forgives spills, and three tubes to begin with.'),
    ('funnel', 'Funnel, 75 mm', 'Bench', 320,
     'Sixty degrees, the angle that a folded filter paper likes.');

COMMIT;
