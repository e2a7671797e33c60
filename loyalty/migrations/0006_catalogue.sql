-- Partners and their offers, version by version; keys of partners.

ALTER TABLE api_key
    DROP CONSTRAINT api_key_role_check,
    ADD CONSTRAINT api_key_role_check CHECK (role IN ('property', 'booking', 'operator', 'partner')),
    ADD COLUMN partner text NOT NULL DEFAULT '',
    ADD CONSTRAINT a_partners_key_names_the_partner CHECK ((role = 'partner') = (partner <> ''));

CREATE TABLE partner_version (
    code       text        NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$' AND code <> 'hotel'),
    version    integer     NOT NULL CHECK (version >= 1),
    definition jsonb       NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    generation bigint      NOT NULL,
    changed_by text        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
CREATE INDEX partner_version_generation ON partner_version (generation);

CREATE TABLE offer_version (
    code       text        NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    version    integer     NOT NULL CHECK (version >= 1),
    definition jsonb       NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    generation bigint      NOT NULL,
    changed_by text        NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
CREATE INDEX offer_version_generation ON offer_version (generation);

CREATE TABLE catalogue_generation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bigint  NOT NULL
);
INSERT INTO catalogue_generation (generation) VALUES (0);

CREATE TRIGGER partner_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON partner_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offer_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON partner_version, offer_version TO loyalty_service;
GRANT SELECT, UPDATE ON catalogue_generation TO loyalty_service;
