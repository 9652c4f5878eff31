net = Sequential([Dense(64, activation="relu"), Dense(1, activation="relu")])
